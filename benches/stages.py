#!/usr/bin/env python3
"""Time per image and stage of a whole run, with ten regions and object boxes, as run.json records it.

    python benches/stages.py target/release/camaudit MODEL.onnx PHOTOS [runs]

PHOTOS is any folder of images; it is audited as one class of a thousand, so accuracies mean nothing here.
"""
import csv, json, pathlib, subprocess, sys, tempfile

BIN, MODEL, PHOTOS = (pathlib.Path(a).resolve() for a in sys.argv[1:4])
RUNS = int(sys.argv[4]) if len(sys.argv) > 4 else 3
STAGES = ("read", "decode", "preprocess", "infer", "score", "store")
KINDS = {".jpg", ".jpeg", ".png", ".webp"}


def main():
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        photos = sorted(p for p in PHOTOS.rglob("*") if p.suffix.lower() in KINDS)
        with open(scratch / "manifest.csv", "w", newline="") as m, open(scratch / "boxes.csv", "w", newline="") as b:
            manifest, boxes = csv.writer(m), csv.writer(b)
            manifest.writerow(["path", "label"]), boxes.writerow(["path", "category", "xmin", "ymin", "xmax", "ymax"])
            for p in photos:
                path = p.relative_to(PHOTOS)
                manifest.writerow([path, "any"]), boxes.writerow([path, "any", 0.25, 0.25, 0.75, 0.75])
        regions = "".join(
            f'[[region]]\nname = "r{i}"\nrect = {{ left = {i * 0.08:.2f}, top = 0.1, right = {i * 0.08 + 0.2:.2f}, bottom = 0.4 }}\n' for i in range(10)
        )
        (scratch / "bench.toml").write_text(
            f'[dataset]\nroot = "{PHOTOS}"\nformat = "csv"\nmanifest = "manifest.csv"\nboxes = "boxes.csv"\nbox_coordinates = "normalised"\n'
            f'[dataset.labels]\nany = 0\n[model]\npath = "{MODEL}"\n[preprocess]\npreset = "tf-lite"\n[run]\ncache_gb = 0\n{regions}'
        )
        for n in range(RUNS):
            subprocess.run([BIN, "run", scratch / "bench.toml", "--out", scratch / "out", "--quiet"], check=True, capture_output=True)
            run = json.loads((scratch / "out/bench/latest/run.json").read_text())
            ms = {s: run["stages_ms"][s] / run["counts"]["scored"] for s in STAGES}
            total = sum(ms.values())
            print(f"run {n + 1}: {run['counts']['scored']} images, {run['images_per_s']:.1f} images/s whole process, 10 regions, object boxes")
            for s in STAGES:
                print(f"  {s:<11}{ms[s]:8.3f} ms{100 * ms[s] / total:7.1f} %")
            print(f"  CAM and scores / inference = {100 * ms['score'] / ms['infer']:.2f} %")


main()
