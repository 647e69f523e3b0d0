#!/usr/bin/env python3
"""Audits a folder of difficult files and compares every picture with Pillow's pixels: python tests/check_broken.py

    cargo build --release --example pixels
    python tests/check_broken.py target/release/camaudit CORPUS.. > docs/robustness.md

A CORPUS is a folder of folders of files, or a tar archive of one; the first is audited. Needs NumPy and Pillow.
"""
import collections, json, os, pathlib, subprocess, sys, tarfile, tempfile, warnings
import numpy as np
import PIL
from PIL import Image, ImageOps

ROOT = pathlib.Path(__file__).resolve().parent.parent
BIN = pathlib.Path(sys.argv[1]).resolve()
PICTURES = (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".gif", ".bmp", ".dib", ".tif", ".tiff", ".webp")
# Decoders of lossy containers may round otherwise, and filter chroma otherwise.
ROUNDING = {"JPEG": 8, "WEBP": 8, "TIFF": 6, "BMP": 1}
# Why a file differs or is refused on purpose: a part of its path, or of the message.
WHY = [
    ("bitflips_scan.jpg", "flipped bits in the coded data: each decoder goes on in its own way"),
    ("exif_garbage.jpg", "EXIF data that are none are ignored; Pillow's `exif_transpose` raises"),
    ("scaled as in training", "deeper grey: Pillow cuts levels at 255 or makes black of them"),
    ("is not read; convert", "a kind of TIFF that is refused by name"),
    ("Fax3", "a compression of TIFF that is refused by name"),
    ("CRC error", "Pillow does not check this checksum"),
    ("More than one plane", "Pillow ignores the number of planes"),
    ("Image height", "JPEG data in a TIFF that are larger than the tile"),
]


def audit(corpus, scratch):
    labels = "".join(f"{json.dumps(p.name)} = 0\n" for p in sorted(corpus.iterdir()) if p.is_dir())
    (scratch / "broken.toml").write_text(
        f'[dataset]\nroot = "{corpus}"\n[dataset.labels]\n{labels}[model]\npath = "{ROOT}/fixtures/models/shortcut.onnx"\n'
        f'classes = "{ROOT}/fixtures/models/classes.txt"\n[preprocess]\npreset = "zero-one"\nsize = 64\n[run]\nmax_skipped = 1.0\n'
    )
    done = subprocess.run([BIN, "run", scratch / "broken.toml", "--out", scratch / "out", "--quiet"], capture_output=True, text=True, timeout=1200)
    if done.returncode:
        sys.exit(f"FAILED: exit code {done.returncode}\n{done.stderr}")
    folder = scratch / "out/broken/latest"
    run = json.loads((folder / "run.json").read_text())
    counts = run["counts"]
    assert counts["found"] == counts["scored"] + counts["skipped"]
    assert not counts["skipped_by_reason"].get("decode/decoder_panic", 0)
    return run


def ours(paths, scratch):
    """Our pixels of every path, or why there are none."""
    names = b"".join(os.fsencode(path) + b"\0" for path in paths)
    done = subprocess.run([BIN.parent / "examples/pixels", scratch], input=names, capture_output=True, check=True)
    answers = [json.loads(line) for line in done.stdout.decode().splitlines()]
    assert len(answers) == len(paths)
    for number, answer in enumerate(answers):
        if "size" not in answer:
            yield None, f"{answer['reason']}: {answer['message']}"
            continue
        width, height = answer["size"]
        file = scratch / f"{number}.rgb"
        yield np.fromfile(file, "u1").reshape(height, width, 3), ""
        file.unlink()


def pillow(path):
    """Container, Pillow's pixels or None, and its error."""
    container = path.suffix.lower()[1:]
    try:
        picture = Image.open(path)
        container = picture.format
        return container, np.asarray(ImageOps.exif_transpose(picture).convert("RGB")), ""
    except Exception as error:
        return {"jpg": "JPEG", "jpeg": "JPEG", "tif": "TIFF"}.get(container, container.upper()), None, str(error)


def compared(paths, scratch):
    """Container, outcome, path, largest and mean difference, and the words of the one who refuses, for each file."""
    for path, (found, refusal) in zip(paths, ours(paths, scratch)):
        container, expected, error = pillow(path)
        largest = mean = None
        if found is None or expected is None:
            outcome = ("both refuse" if expected is None else "only Pillow reads") if found is None else "only we read"
        elif found.shape != expected.shape:
            outcome, refusal = "another size", f"{found.shape[1]}x{found.shape[0]}, Pillow {expected.shape[1]}x{expected.shape[0]}"
        else:
            difference = np.abs(found.astype("i2") - expected)
            largest, mean = int(difference.max()), float(difference.mean())
            outcome = "equal" if largest == 0 else "rounding" if largest <= ROUNDING.get(container, 0) else "differs"
        yield container, outcome, path, largest, mean, refusal or error


def pictures(corpus):
    files = (p for p in sorted(corpus.rglob("*")) if p.suffix.lower() in PICTURES and p.is_file())
    return [p for p in files if not p.name.endswith((".rgb.png", ".pillow.png"))]


def printable(text, length):
    text = "".join(c if c.isprintable() and c not in "|`\ufffd" and not 0xD800 <= ord(c) < 0xE000 else "?" for c in text)
    return text if len(text) <= length else text[: length - 2] + ".."


def why(name, words):
    return next((reason for part, reason in WHY if part in name or part in words), printable(words, 100))


def main():
    warnings.simplefilter("ignore")
    run, rows = None, []
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        for number, corpus in enumerate(pathlib.Path(a).resolve() for a in sys.argv[2:]):
            if corpus.is_file():
                with tarfile.open(corpus) as tar:
                    corpus = scratch / f"corpus{number}"
                    tar.extractall(corpus, filter="fully_trusted")
            run = run or audit(corpus, scratch)
            rows += [(row[0], row[1], os.fsdecode(os.fsencode(row[2].relative_to(corpus))), *row[3:]) for row in compared(pictures(corpus), scratch)]
    report(run, rows)


def report(run, rows):
    counts = run["counts"]
    print("# What becomes of difficult files\n")
    print("Made by `python tests/check_broken.py target/release/camaudit CORPUS.. > docs/robustness.md` on crafted and collected")
    print("files: PngSuite, the `image` crate's test images, the EXIF orientation examples, truncated, renamed, huge, hostile and")
    print("oddly named files, links in circles, pipes, and `fixtures/pictures` (containers, depths, alpha, orientations).\n")
    print("## An audit of them\n")
    print(f"| outcome | files |\n|---|---:|\n| found | {counts['found']} |\n| scored | {counts['scored']} |")
    for reason, n in counts["skipped_by_reason"].items():
        print(f"| skipped: {reason} | {n} |")
    print("| decoder panics | 0 |")
    for kind, n in counts["ignored"].items():
        print(f"| not counted as found: {kind} | {n} |")

    print(f"\n## Pixels against Pillow\n\n{len(rows)} files, against `ImageOps.exif_transpose(Image.open(file)).convert(\"RGB\")` of Pillow "
          f"{PIL.__version__}. *Rounding* is at")
    print("most 8 levels of 255 in JPEG and WebP, 6 in TIFF with JPEG data, and 1 in BMP with 5 or 6 bits a channel.\n")
    names = ["equal", "rounding", "differs", "another size", "both refuse", "only Pillow reads", "only we read"]
    print("| container | files | " + " | ".join(names) + " | largest within rounding |\n|---|" + "---:|" * (len(names) + 2))
    for container in sorted({row[0] for row in rows}):
        own = [row for row in rows if row[0] == container]
        outcomes = collections.Counter(row[1] for row in own)
        largest = max((row[3] for row in own if row[1] in ("equal", "rounding")), default="")
        print(f"| {container} | {len(own)} | " + " | ".join(str(outcomes[name]) for name in names) + f" | {largest} |")

    listed = [row for row in rows if row[1] in ("differs", "another size", "only Pillow reads")]
    print(f"\n## All {len(listed)} files that differ, or that only Pillow reads\n\n| file | outcome | largest | mean | why |\n|---|---|---:|---:|---|")
    for _, outcome, name, largest, mean, words in sorted(listed, key=lambda row: row[2]):
        figures = ["" if largest is None else str(largest), "" if mean is None else f"{mean:.2f}"]
        print(f"| `{printable(name, 110)}` | {outcome} | {figures[0]} | {figures[1]} | {why(name, words)} |")
    extra = [row for row in rows if row[1] == "only we read"]
    print(f"\n## All {len(extra)} files that only we read\n\n| file | what Pillow says |\n|---|---|")
    for _, _, name, _, _, words in sorted(extra, key=lambda row: row[2]):
        print(f"| `{printable(name, 110)}` | {printable(words.split(' file ')[0], 90)} |")


main()
