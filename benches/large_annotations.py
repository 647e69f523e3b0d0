#!/usr/bin/env python3
"""Time and peak memory of reading large annotations, without images: a COCO file of a million images with a million
boxes, and a manifest of ten million rows.

    python benches/large_annotations.py target/release/camaudit
"""
import os, pathlib, subprocess, sys, tempfile, time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BIN = pathlib.Path(sys.argv[1]).resolve()


def coco(path, n):
    with open(path, "w") as f:
        f.write('{"info":{},"images":[')
        for i in range(n):
            f.write(f'{"," if i else ""}{{"id":{i},"file_name":"train/{i:012}.jpg","width":640,"height":480,"license":3}}')
        f.write('],"annotations":[')
        for i in range(n):
            f.write(f'{"," if i else ""}{{"id":{i},"image_id":{i},"category_id":{i % 80},"iscrowd":0,"area":1.5,"bbox":[61.87,276.25,296.42,103.18],"segmentation":[[321.02,321.0,314.25,307.99,307.49,293.94]]}}')
        f.write('],"categories":[' + ",".join(f'{{"id":{i},"name":"c{i}"}}' for i in range(80)) + "]}")


def manifest(path, n):
    with open(path, "w") as f:
        f.write("path,label,split\n")
        for i in range(n):
            f.write(f"train/{i:012}.jpg,c{i % 80},train\n")


def check(scratch, name, key, path):
    pipeline = scratch / f"{name}.toml"
    pipeline.write_text(f'[dataset]\nroot = "{scratch}"\n{key} = "{path}"\n[model]\npath = "{ROOT}/fixtures/models/shortcut.onnx"\n[preprocess]\npreset = "zero-one"\n')
    start = time.time()
    child = subprocess.Popen([BIN, "check", pipeline, "--no-images"], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    assert status == 0
    print(f"{name}: {path.stat().st_size / 2**20:.0f} MiB read in {time.time() - start:.1f} s, peak memory {usage.ru_maxrss / 1024:.0f} MiB")


with tempfile.TemporaryDirectory() as scratch:
    scratch = pathlib.Path(scratch)
    coco(scratch / "coco.json", 1_000_000)
    check(scratch, "coco, a million images and boxes", "annotations", scratch / "coco.json")
    manifest(scratch / "manifest.csv", 10_000_000)
    check(scratch, "manifest of ten million rows", "manifest", scratch / "manifest.csv")
