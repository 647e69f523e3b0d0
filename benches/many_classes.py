#!/usr/bin/env python3
"""Memory and sizes of a run with many classes and regions: 5,000 classes, 50 regions, 10,000 small images.

    pip install onnx numpy pillow
    python benches/many_classes.py target/release/camaudit [CLASSES REGIONS IMAGES]

Peak memory is the process's largest resident set; the sizes are those of the run folder's documents.
"""
import csv, json, os, pathlib, subprocess, sys, tempfile, time

import numpy as np, onnx
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

BIN = pathlib.Path(sys.argv[1]).resolve()
CLASSES, REGIONS, IMAGES = [int(n) for n in sys.argv[2:5]] or (5_000, 50, 10_000)
chance = np.random.default_rng(7)


def model(path):
    """One convolution, global average pooling, and a head with a row for every class."""
    weights = {"k": chance.normal(size=(8, 3, 3, 3)), "w": chance.normal(size=(CLASSES, 8)), "b": chance.normal(size=CLASSES)}
    nodes = [helper.make_node("Conv", ["image", "k"], ["c"], pads=[1, 1, 1, 1], strides=[4, 4]), helper.make_node("Relu", ["c"], ["f"]),
             helper.make_node("GlobalAveragePool", ["f"], ["p"]), helper.make_node("Flatten", ["p"], ["g"]), helper.make_node("Gemm", ["g", "w", "b"], ["logits"], transB=1)]
    graph = helper.make_graph(nodes, "many", [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 32, 32])],
                              [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, CLASSES])],
                              [numpy_helper.from_array(v.astype(np.float32), k) for k, v in weights.items()])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


def dataset(scratch):
    (scratch / "photos").mkdir()
    with open(scratch / "manifest.csv", "w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["path", "label"] + [f"p{i}" for i in range(REGIONS)])
        for n in range(IMAGES):
            name = f"{n:05}.png"
            Image.fromarray(chance.integers(0, 256, (32, 32, 3), dtype=np.uint8)).save(scratch / "photos" / name)
            rows.writerow([name, f"class {n % CLASSES:04}"] + [int(chance.random() < 0.3) for _ in range(REGIONS)])


def pipeline(scratch):
    (scratch / "classes.txt").write_text("".join(f"class {i:04}\n" for i in range(CLASSES)))
    place = lambda i: f"left = {i % 8 * 0.1:.1f}, top = {i // 8 * 0.1:.1f}, right = {i % 8 * 0.1 + 0.2:.1f}, bottom = {i // 8 * 0.1 + 0.2:.1f}"
    regions = "".join(f'[[region]]\nname = "r{i:02}"\npresence_column = "p{i}"\nrect = {{ {place(i)} }}\n' for i in range(REGIONS))
    (scratch / "many.toml").write_text(
        '[dataset]\nroot = "photos"\nformat = "csv"\nmanifest = "manifest.csv"\nnear_duplicates = false\n[model]\npath = "many.onnx"\nclasses = "classes.txt"\n'
        f'[preprocess]\npreset = "zero-one"\nsize = 32\n[run]\ncache_gb = 0\n{regions}')
    return scratch / "many.toml"


def main():
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_TMP")) as scratch:
        scratch = pathlib.Path(scratch)
        model(scratch / "many.onnx")
        dataset(scratch)
        start = time.time()
        run = subprocess.Popen([BIN, "run", pipeline(scratch), "--out", scratch / "out", "--quiet"], stdout=subprocess.DEVNULL)
        _, status, used = os.wait4(run.pid, 0)
        if status:
            sys.exit(f"exit {os.waitstatus_to_exitcode(status)}")
        folder = scratch / "out/many/latest"
        assert json.loads((folder / "run.json").read_text())["counts"]["scored"] == IMAGES
        sizes = ", ".join(f"{name} {(folder / name).stat().st_size / 1e6:.2f} MB" for name in ("summary.json", "report.html", "findings.parquet", "classes.parquet"))
        print(f"{CLASSES} classes x {REGIONS} regions, {IMAGES} images: {time.time() - start:.1f} s, {used.ru_maxrss / 1024:.0f} MiB at most; {sizes}")


main()
