#!/usr/bin/env python3
"""What camaudit is timed against: a class activation map of every image, as a script of Pillow, ONNX Runtime and numpy.

    python benches/peer.py MODEL.onnx ROOT OUT.csv --jobs 2

One process and one single-threaded session per core. Class folders count in sorted order. Of each map only the part of the positive
heat in the lower left corner is kept. Prints "X img/s steady, Y img/s whole process"; steady leaves the start of the processes out.
"""
import argparse, csv, multiprocessing, pathlib, time
import numpy as np

MEAN, STD = (np.array(v, "f4").reshape(3, 1, 1) for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
SIDE, SHORT = 224, 256


def load(model_file):
    """A session with the pool's input as a second output, and the classifier's weights (`None` where maps are classes)."""
    global session, weights
    import onnx, onnxruntime
    model = onnx.load(model_file)
    nodes = list(model.graph.node)
    pool = max(i for i, n in enumerate(nodes) if n.op_type in ("GlobalAveragePool", "ReduceMean"))
    model.graph.output.append(onnx.helper.make_tensor_value_info(nodes[pool].input[0], onnx.TensorProto.FLOAT, None))
    arrays = {w.name: w for w in model.graph.initializer}
    weights = None
    for node in (n for n in nodes[pool:] if n.op_type == "Gemm"):
        weights = onnx.numpy_helper.to_array(arrays[node.input[1]])
        if not any(a.name == "transB" and a.i for a in node.attribute):
            weights = weights.T
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def row(task):
    from PIL import Image, ImageOps
    path, label = task
    photo = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
    scale = SHORT / min(photo.size)
    photo = photo.resize([max(SHORT, int(side * scale)) for side in photo.size], Image.BILINEAR)
    left, top = ((side - SIDE) // 2 for side in photo.size)
    pixels = np.asarray(photo.crop((left, top, left + SIDE, top + SIDE)), "f4").transpose(2, 0, 1) / 255
    logits, maps = session.run(None, {session.get_inputs()[0].name: ((pixels - MEAN) / STD)[None]})
    heat = maps[0, label] if weights is None else np.tensordot(weights[label], maps[0], 1)
    heat = heat.clip(0)
    corner = heat[heat.shape[0] * 3 // 4 :, : heat.shape[1] // 4 + 1].sum() / max(heat.sum(), 1e-9)
    return path, label, int(logits.argmax()), float(logits.ravel()[label]), float(corner)


def main():
    ap = argparse.ArgumentParser(formatter_class=argparse.RawDescriptionHelpFormatter, description=__doc__)
    ap.add_argument("model"), ap.add_argument("root", type=pathlib.Path), ap.add_argument("out"), ap.add_argument("--jobs", type=int, default=1)
    a = ap.parse_args()
    began = time.perf_counter()
    folders = sorted(d for d in a.root.iterdir() if d.is_dir())
    tasks = [(str(p), i) for i, d in enumerate(folders) for p in sorted(d.iterdir())]
    with multiprocessing.get_context("spawn").Pool(a.jobs, load, (a.model,)) as pool:
        pool.map(row, tasks[: 2 * a.jobs], 1)
        started = time.perf_counter()
        rows = pool.map(row, tasks, 8)
        done = time.perf_counter()
    with open(a.out, "w", newline="") as file:
        csv.writer(file).writerows(rows)
    print(f"{len(rows)} images: {len(rows) / (done - started):.1f} img/s steady, {len(rows) / (time.perf_counter() - began):.1f} img/s whole process")


if __name__ == "__main__":
    main()
