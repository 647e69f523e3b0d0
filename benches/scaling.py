#!/usr/bin/env python3
"""How cost and memory grow with the number of images: whole runs of the demo's network with ten regions.

    python benches/scaling.py target/release/camaudit [1000 10000 100000 1000000] [--apart]

The photos of fixtures/horses are linked over and over (every one is read, decoded and scored; nothing is cached). Peak
memory is the process's largest resident set. `after` is the time from the last image to the end: aggregation, evidence,
interventions, verdicts, the report. With `--apart` the steps are processes of their own, `camaudit measure`, `conclude` and `report`,
and the size of the rows on disk is printed.
"""
import csv, json, os, pathlib, shutil, subprocess, sys, tempfile, time

FIXTURES = pathlib.Path(__file__).resolve().parent.parent / "fixtures"
FOLDER = 1_000  # files in a folder


def grow(root, have, want, sources):
    """Links to the photos, a thousand a folder, the classes kept."""
    for i in range(have, want):
        source = sources[i % len(sources)]
        folder = root / source.parent.name / f"{i // FOLDER:05}"
        if not folder.exists():
            folder.mkdir(parents=True)
        to = folder / f"{i:08}{source.suffix}"
        try:
            os.link(source, to)
        except OSError:  # another file system, or too many links to one file
            shutil.copy(source, to)


def pipeline(scratch, root):
    """Regions whose presence stands in a manifest, in a tenth of the images each, whatever the class."""
    with open(scratch / "manifest.csv", "w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["path", "label"] + [f"p{i}" for i in range(10)])
        for n, photo in enumerate(sorted(root.rglob("*.jpg"))):
            rows.writerow([photo.relative_to(root), photo.parent.parent.name] + [int((n * 7919 + i * 104729) % 1009 < 100) for i in range(10)])
    regions = "".join(
        f'[[region]]\nname = "r{i}"\npresence_column = "p{i}"\nrect = {{ left = {i * 0.08:.2f}, top = 0.1, right = {i * 0.08 + 0.2:.2f}, bottom = 0.4 }}\n' for i in range(10))
    (scratch / "scaling.toml").write_text(
        f'[dataset]\nroot = "{root}"\nformat = "csv"\nmanifest = "{scratch}/manifest.csv"\n[model]\npath = "{FIXTURES}/models/shortcut.onnx"\nclasses = "{FIXTURES}/models/classes.txt"\n'
        f'[preprocess]\npreset = "zero-one"\nsize = 64\n[run]\ncache_gb = 0\n{regions}')
    return scratch / "scaling.toml"


def step(n, *command):
    """Runs one step and prints its cost."""
    start = time.time()
    process = subprocess.Popen([str(part) for part in command], stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{command[1]}: exit {status}")
    wall, cpu, peak = time.time() - start, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024
    print(f"{n:>9}{command[1]:>10}{wall:8.1f} s{cpu:8.1f} s of processor time{peak:8.0f} MiB", flush=True)


def apart(binary, toml, n, out):
    """The steps of a run one after the other."""
    step(n, binary, "measure", toml, "--out", out, "--jobs", os.cpu_count(), "--quiet")
    latest = next(folder for folder in (out / "scaling").iterdir() if (folder / "measured.json").exists())
    step(n, binary, "conclude", latest, "--quiet", "--fail-on", "never")
    step(n, binary, "report", latest)
    rows = sum(file.stat().st_size for file in latest.rglob("*.parquet"))
    print(f"{n:>9} tables: {rows / n:.0f} bytes an image")
    total = sum(file.stat().st_size for file in latest.rglob("*") if file.is_file())
    print(f"{n:>9} the run's folder: {total / 2**20:.0f} MiB")


def main():
    binary = pathlib.Path(sys.argv[1]).resolve()
    is_apart = "--apart" in sys.argv
    sizes = [int(n) for n in sys.argv[2:] if n != "--apart"] or [1_000, 10_000, 100_000]
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_TMP")) as scratch:
        scratch, have = pathlib.Path(scratch), 0
        sources = []
        for s in sorted((FIXTURES / "horses").rglob("*.jpg")):  # links need one file system
            copy = scratch / "sources" / s.parent.name / s.name
            copy.parent.mkdir(parents=True, exist_ok=True)
            sources.append(pathlib.Path(shutil.copy(s, copy)))
        print(f"{'images':>9}{'jobs':>6}{'wall s':>9}{'img/s':>9}{'CPU ms/img':>12}{'start s':>9}{'after s':>9}{'peak MiB':>10}")
        for n in sizes:
            grow(scratch / "photos", have, n, sources)
            have = n
            toml = pipeline(scratch, scratch / "photos")
            if is_apart:
                apart(binary, toml, n, scratch / "out")
                shutil.rmtree(scratch / "out")
                continue
            for jobs in ((1, 2) if n <= 10_000 and (os.cpu_count() or 1) > 1 else (os.cpu_count(),)):
                start = time.time()
                run = subprocess.Popen([binary, "run", toml, "--out", scratch / "out", "--jobs", str(jobs), "--log", "json", "--fail-on", "never"],
                                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
                marks = {}
                for line in run.stderr:
                    if line.startswith("{"):
                        event = json.loads(line)
                        marks.setdefault(event.get("stage") or event.get("event"), time.time() - start)
                _, status, used = os.wait4(run.pid, 0)
                wall = time.time() - start
                if status:
                    sys.exit(f"exit {status}")
                record = json.loads((scratch / "out/scaling/latest/run.json").read_text())
                assert record["counts"]["scored"] == n, record["counts"]
                cpu = 1e3 * (used.ru_utime + used.ru_stime) / n
                print(f"{n:>9}{jobs:>6}{wall:9.1f}{n / wall:9.0f}{cpu:12.3f}{marks.get('measure', 0):9.1f}{wall - marks.get('experiments', wall):9.1f}{used.ru_maxrss / 1024:10.0f}", flush=True)
                shutil.rmtree(scratch / "out")


if __name__ == "__main__":
    main()
