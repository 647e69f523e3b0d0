#!/usr/bin/env python3
"""What a run costs when nothing, or one image in a hundred, has changed: time of the whole process against a first run.

    pip install pillow numpy
    python benches/unchanged_night.py target/release/camaudit MODEL.onnx PHOTOS [copies]

MODEL takes 224 x 224 (`make bench` leaves target/real/efficientnet_lite0.onnx); the photos are repeated, each copy with a
noise of its own, until there are enough. No region is declared: interventions cost extra (docs/method.md).
"""
import pathlib, subprocess, sys, tempfile, time
import numpy as np
from PIL import Image, ImageOps

BIN, MODEL, PHOTOS = (pathlib.Path(a).resolve() for a in sys.argv[1:4])
COPIES = int(sys.argv[4]) if len(sys.argv) > 4 else 10
rng = np.random.default_rng(1)


def save(picture, path):
    noise = rng.integers(-3, 4, (*picture.size[::-1], 3))
    Image.fromarray(np.clip(np.asarray(picture, int) + noise, 0, 255).astype("u1")).save(path, quality=90)


with tempfile.TemporaryDirectory() as scratch:
    scratch = pathlib.Path(scratch)
    files = sorted(p for p in PHOTOS.rglob("*") if p.suffix.lower() in (".jpg", ".jpeg"))
    (scratch / "set/0").mkdir(parents=True)
    for i, file in enumerate(files):
        picture = ImageOps.exif_transpose(Image.open(file)).convert("RGB")
        for k in range(COPIES):
            save(picture, scratch / f"set/0/{i:05}-{k}.jpg")
    (scratch / "unchanged.toml").write_text(f'''[dataset]
root = "set"
labels = {{ 0 = 0 }}
[model]
path = "{MODEL}"
[preprocess]
preset = "tf-lite"
''')
    paths = sorted((scratch / "set/0").iterdir())

    def run(name):
        began = time.monotonic()
        subprocess.run([BIN, "run", scratch / "unchanged.toml", "--out", scratch / "out", "--quiet"], check=True, capture_output=True)
        took = time.monotonic() - began
        print(f"{name:>22}: {took:7.2f} s for {len(paths)} images")
        return took

    # Every run reads the model and makes it ready.
    first = run("first run")
    same = run("nothing changed")
    for path in paths[:: 100]:
        save(Image.open(path), path)
    changed = run("one in a hundred")
    size = (scratch / "out/unchanged/cache.redb").stat().st_size / len(paths)
    print(f"unchanged {100 * same / first:.1f} %, one in a hundred {100 * changed / first:.1f} % of the first run; {size / 1e3:.1f} kB an image kept")
