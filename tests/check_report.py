#!/usr/bin/env python3
"""Drives report.html in headless Chromium as a reviewer would: opens, sorts, filters, decides by keyboard, exports, and runs
axe-core over it. Screenshots stay in target/screenshots.

    python tests/check_report.py target/release/camaudit

Wants the packages of tests/requirements.txt and Debian's chromium (`make test` installs both); says so and skips without a
browser.
"""
import csv, json, pathlib, shutil, subprocess, sys, tempfile, time, urllib.parse

ROOT = pathlib.Path(__file__).resolve().parent.parent
BIN = pathlib.Path(sys.argv[1]).resolve()
SHOTS = ROOT / "target/screenshots"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
if not CHROMIUM:
    print("SKIPPED check_report.py: no chromium (apt-get install chromium)")
    sys.exit(0)
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright


def large(demo, folder):
    """A run folder of 1,000 classes and 200 findings, multiplied from the demo's, rendered by the tool itself."""
    summary = json.loads((demo / "summary.json").read_text())
    finding, heat, summarised = summary["findings"][0], summary["heat"][0], summary["classes"][0]
    verdict = lambda i: ["confirmed", "candidate", "data_risk"][min(2, i // 40)]
    label = lambda i: f"class {i:04}"
    summary["pipeline"], summary["decisions"] = "large", []
    finding["review"] = {"decision": None, "note": None, "open": True, "reopened": None}
    summary["findings"] = [{**finding, "label": label(i), "verdict": verdict(i)} for i in range(200)]
    summary["heat"] = [{**heat, "label": label(i)} for i in range(200)]
    summary["classes"] = [
        {**summarised, "label": label(i), "images": 1300, "accuracy": i / 1000, "share": (i * 37 % 1000) / 2000,
         "object_share": 0.5, "verdict": verdict(i) if i < 200 else "none"} for i in range(1000)]
    folder.mkdir(parents=True)
    (folder / "summary.json").write_text(json.dumps(summary))
    for document in ("run.json", "changes.json"):
        shutil.copy(demo / document, folder)
    (folder / "figures.json").write_text(json.dumps({"schema_version": summary["schema_version"], "figures": []}))
    subprocess.run([BIN, "report", folder], check=True, capture_output=True)


def visit(browser, run, name, findings):
    page_file = (run / "report.html").resolve()
    context = browser.new_context(viewport={"width": 1280, "height": 800}, accept_downloads=True)
    page = context.new_page()
    trouble, requests = [], []
    page.on("console", lambda m: trouble.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda e: trouble.append(str(e)))
    page.on("request", lambda r: requests.append(r.url) if not r.url.startswith(("file:", "data:", "blob:")) else None)
    start = time.monotonic()
    page.goto(page_file.as_uri())
    page.wait_for_selector("#classes tbody tr")
    opened = time.monotonic() - start
    assert opened < 2, f"{name}: opened in {opened:.2f} s"
    assert page.locator(".card").count() == findings, f"{name}: {page.locator('.card').count()} findings"
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= 1280, f"{name}: {width} pixels wide"

    column = lambda n: [float(v) for v in page.eval_on_selector_all(f"#classes tbody tr td:nth-child({n})", "cells => cells.map(c => c.dataset.value)")]
    page.click("#classes thead th:nth-child(4) button")
    accuracy = column(4)
    assert accuracy == sorted(accuracy, reverse=True), f"{name}: not sorted"
    page.click("#classes thead th:nth-child(4) button")
    assert column(4) == sorted(accuracy), f"{name}: not turned around"
    page.evaluate("document.body.focus()")
    page.keyboard.press("/")
    label = page.locator("#classes tbody tr th").first.text_content()
    page.keyboard.type(label)
    shown = page.locator("#classes tbody tr:visible").count()
    assert 1 <= shown < max(2, len(accuracy)), f"{name}: {shown} rows after filtering"
    page.keyboard.press("Escape")

    exported = None
    if findings:
        page.keyboard.press("j")
        page.keyboard.press("2")
        with page.expect_download() as download:
            page.click("#export")
        exported = pathlib.Path(tempfile.mkdtemp()) / "review.csv"
        download.value.save_as(exported)
        rows = list(csv.DictReader(exported.open()))
        assert [r["decision"] for r in rows] == ["legitimate-context"], rows
        page.reload()
        checked = page.locator(".card input:checked").count()
        assert checked == 1, f"{name}: the decision was forgotten"
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.screenshot(path=SHOTS / f"{name}-{scheme}.png")
        found = Axe().run(page).response["violations"]
        grave = [f"{v['id']}: {v['help']} ({v['nodes'][0]['html'][:120]})" for v in found if v["impact"] in ("serious", "critical")]
        assert not grave, f"{name} {scheme}: {grave}"
    assert not trouble, f"{name}: {trouble}"
    assert not requests, f"{name}: {requests}"
    print(f"{name}: opens in {opened:.2f} s, {findings} findings, {len(accuracy)} classes, {page_file.stat().st_size / 1e6:.2f} MB")
    context.close()
    return exported


def bees(folder):
    """The tagged ants and bees, where they are at hand; the run folder."""
    data = ROOT.parent / "shared/data/tagged_ants_bees"
    if not data.is_dir():
        print("SKIPPED the report of the tagged bees: ../shared/data is absent")
        return None
    folder.mkdir()
    rows = list(csv.reader((data / "tag_boxes.csv").open()))[1:]
    with open(folder / "manifest.csv", "w", newline="") as m, open(folder / "boxes.csv", "w", newline="") as b:
        manifest, boxes = csv.writer(m), csv.writer(b)
        manifest.writerow(["path", "label", "split"]), boxes.writerow(["path", "category", "xmin", "ymin", "xmax", "ymax"])
        for split, label, name, *rest in rows:
            manifest.writerow([f"{split}/{label}/{name}", label, split])
            if label == "bees":
                boxes.writerow([f"{split}/{label}/{name}", "tag", *rest[2:6]])
    (folder / "bees.toml").write_text(
        f'[dataset]\nroot = "{data}/biased"\nformat = "csv"\nmanifest = "{folder}/manifest.csv"\nboxes = "{folder}/boxes.csv"\n'
        f'[model]\npath = "{data}/clever.onnx"\n[preprocess]\nsteps = [{{ resize = {{ exact = [224, 224] }} }}]\n'
        'scale = 1.0\nmean = [127]\nstd = [128]\n[[region]]\nname = "tag"\nannotation = "tag"\n')
    done = subprocess.run([BIN, "run", folder / "bees.toml", "--out", folder, "--quiet"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder / "bees/latest"


def look(browser, file, name, pictures, rows):
    """A page without controls: opens, breaks no rule of axe, asks for nothing outside."""
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    trouble = []
    page.on("console", lambda m: trouble.append(m.text) if m.type in ("error", "warning") else None)
    page.on("request", lambda r: trouble.append(r.url) if not r.url.startswith(("file:", "data:")) else None)
    page.goto(file.as_uri())
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.screenshot(path=SHOTS / f"{name}-{scheme}.png")
        grave = [v["id"] for v in Axe().run(page).response["violations"] if v["impact"] in ("serious", "critical")]
        assert not grave, f"{name} {scheme}: {grave}"
    assert not trouble, f"{name}: {trouble}"
    shown = page.evaluate("[...document.images].filter(i => { i.loading = 'eager'; return true }).length")
    page.wait_for_function("[...document.images].every(i => i.complete && i.naturalWidth > 0)")
    assert shown == pictures and page.locator("tbody tr").count() == rows, f"{name}: {shown} pictures"
    for link in page.locator("tbody a").all():
        assert (file.parent / urllib.parse.unquote(link.get_attribute("href"))).is_file(), f"{name}: a link leads nowhere"
    print(f"{name}: {page.locator('img').count()} pictures, {page.locator('tbody tr').count()} rows")
    page.close()


SHOTS.mkdir(parents=True, exist_ok=True)
with tempfile.TemporaryDirectory() as scratch, sync_playwright() as play:
    scratch = pathlib.Path(scratch)
    browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
    demo = lambda *more: subprocess.run([BIN, "run", ROOT / "pipelines/demo.toml", "--out", scratch, "--quiet", *more], capture_output=True)
    assert demo().returncode == 0
    review = visit(browser, scratch / "demo/latest", "demo", 1)
    # Round trip: findings decided in the browser are folded in the next run and no longer raise the exit code.
    assert demo("--fail-on", "candidate").returncode == 1
    folded = demo("--fail-on", "candidate", "--set", f"review.decisions={review}")
    assert folded.returncode == 0, folded.stderr
    grown = review.read_text().replace(next(csv.DictReader(review.open()))["effect"], "0.4")
    review.write_text(grown)
    back = demo("--fail-on", "candidate", "--set", f"review.decisions={review}")
    assert back.returncode == 1, "the effect has grown, but the finding is not open again"
    chosen = ["--class", "horse", "--region", "source-tag", "--limit", "12", "--out", scratch / "gallery.html"]
    subprocess.run([BIN, "gallery", scratch / "demo/latest", *chosen], check=True, capture_output=True)
    look(browser, scratch / "gallery.html", "gallery", 24, 0)
    subprocess.run([BIN, "index", scratch], check=True, capture_output=True)
    look(browser, scratch / "index.html", "index", 0, 1)
    if run := bees(scratch / "bees"):
        visit(browser, run, "bees", 1)
    large(scratch / "demo/latest", scratch / "large")
    visit(browser, scratch / "large", "large", 200)
    browser.close()
print(f"screenshots in {SHOTS.relative_to(ROOT)}")
