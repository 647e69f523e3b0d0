#!/usr/bin/env python3
"""How often do verdicts speak where there is nothing? Marks are annotated on images drawn at random over all classes.

    python benches/null_verdicts.py target/release/camaudit [tries]
"""
import collections, csv, json, pathlib, random, subprocess, sys, tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
BIN, TRIES = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 60
FIXTURES = ROOT / "fixtures"
paths = sorted(str(p.relative_to(FIXTURES / "horses")) for p in (FIXTURES / "horses").rglob("*.jpg"))
with open(FIXTURES / "horses.boxes.csv") as file:
    objects = [row for row in csv.reader(file)]

verdicts = collections.Counter()
with tempfile.TemporaryDirectory() as folder:
    folder = pathlib.Path(folder)
    for seed in range(TRIES):
        marked = random.Random(seed).sample(paths, 120)
        with open(folder / "boxes.csv", "w", newline="") as file:
            csv.writer(file).writerows(objects + [[path, "mark", 2, 2, 16, 12] for path in marked])
        model = "shortcut" if seed % 2 else "clean"
        (folder / "null.toml").write_text(f"""
[dataset]
root = "{FIXTURES}/horses"
boxes = "boxes.csv"
[model]
path = "{FIXTURES}/models/{model}.onnx"
classes = "{FIXTURES}/models/classes.txt"
[preprocess]
preset = "zero-one"
size = 64
[[region]]
name = "mark"
annotation = "mark"
""")
        subprocess.run([BIN, "run", folder / "null.toml", "--out", folder / "out", "--quiet"], check=True, capture_output=True)
        verdicts.update(json.loads((folder / "out/null/latest/run.json").read_text())["verdicts"])

total = sum(verdicts.values())
candidates = verdicts["candidate"]
print(f"{total} pairs of a class and a mark without meaning: {dict(verdicts)}")
if candidates == 0:
    print(f"no candidate; exact upper 95 % bound of their rate {100 * (1 - 0.05 ** (1 / total)):.1f} %")
sys.exit(candidates > 0.05 * total)
