#!/usr/bin/env python3
"""Audits a folder of difficult files and says what became of each kind; with Pillow's verdicts, how far we agree.

    python tests/check_broken.py target/release/camaudit CORPUS [VERDICTS.csv] > docs/robustness.md

CORPUS is a folder of folders of files, or a tar archive of one. VERDICTS.csv has columns corpus,path,..,verdict; a verdict
begins with "ok" where Pillow reads the file.
"""
import collections, csv, json, pathlib, subprocess, sys, tarfile, tempfile
import polars as pl

ROOT = pathlib.Path(__file__).resolve().parent.parent
BIN, CORPUS = (pathlib.Path(a).resolve() for a in sys.argv[1:3])


def audit(corpus, scratch):
    labels = "".join(f"{p.name!r} = 0\n".replace("'", '"') for p in sorted(corpus.iterdir()) if p.is_dir())
    (scratch / "broken.toml").write_text(
        f'[dataset]\nroot = "{corpus}"\n[dataset.labels]\n{labels}[model]\npath = "{ROOT}/fixtures/models/shortcut.onnx"\n'
        f'classes = "{ROOT}/fixtures/models/classes.txt"\n[preprocess]\npreset = "zero-one"\nsize = 64\n[run]\nmax_skipped = 1.0\n'
    )
    done = subprocess.run([BIN, "run", scratch / "broken.toml", "--out", scratch / "out", "--quiet"], capture_output=True, text=True, timeout=600)
    if done.returncode:
        sys.exit(f"FAILED: exit code {done.returncode}\n{done.stderr}")
    folder = scratch / "out/broken/latest"
    images = pl.read_parquet(folder / "images/*.parquet").filter(pl.col("target") == "label")
    return json.loads((folder / "run.json").read_text()), set(images["path"]), pl.read_parquet(folder / "skipped.parquet").to_dicts()


def main():
    with tempfile.TemporaryDirectory() as scratch:
        scratch, corpus = pathlib.Path(scratch), CORPUS
        if corpus.is_file():
            corpus = scratch / "corpus"
            with tarfile.open(CORPUS) as tar:
                tar.extractall(corpus, filter="fully_trusted")
        run, scored, skipped = audit(corpus, scratch)
    counts = run["counts"]
    panics = counts["skipped_by_reason"].get("decode/decoder_panic", 0)
    assert counts["found"] == counts["scored"] + counts["skipped"] and panics == 0
    print("# What becomes of difficult files\n")
    print("Made by `python tests/check_broken.py target/release/camaudit CORPUS VERDICTS.csv > docs/robustness.md` on "
          f"{counts['found'] + sum(counts['ignored'].values())} crafted")
    print("and collected files: PngSuite, the `image` crate's test images, the EXIF orientation examples, truncated, renamed,")
    print("huge, hostile and oddly named files, links in circles, pipes.\n")
    print(f"| outcome | files |\n|---|---:|\n| found | {counts['found']} |\n| scored | {counts['scored']} |")
    for reason, n in counts["skipped_by_reason"].items():
        print(f"| skipped: {reason} | {n} |")
    print(f"| decoder panics | {panics} |")
    for kind, n in counts["ignored"].items():
        print(f"| not counted as found: {kind} | {n} |")
    print(f"\nThe slowest scored file took {run['slowest_image_ms']:.0f} ms.")
    if len(sys.argv) < 4:
        return
    verdicts = {f"{r['corpus']}/{r['path']}": r["verdict"].startswith("ok") for r in csv.DictReader(open(sys.argv[3], newline=""))}
    why = {s["path"]: s for s in skipped}
    table = collections.Counter((verdicts[p], p in scored) for p in verdicts if p in scored or p in why)
    print(f"\nPillow and we both read {table[True, True]} files and both refuse {table[False, False]}. We read {table[False, True]} that it refuses,")
    print(f"and refuse {table[True, False]} that it reads:\n\n| file | reason | message |\n|---|---|---|")
    for path in sorted(p for p in verdicts if verdicts[p] and p in why):
        message = why[path]["message"].replace("|", "\\|").replace("\n", " ")
        print(f"| `{path}` | {why[path]['reason']} | {message[:120]} |")
    invented = sorted(p for p in verdicts if not verdicts[p] and p in scored and p.lower().endswith((".jpg", ".jpeg", ".png")))
    print(f"\nOf the JPEGs and PNGs that Pillow refuses we read {len(invented)}{': ' + ', '.join(invented) if invented else ''}.")


main()
