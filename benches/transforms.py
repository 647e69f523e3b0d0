#!/usr/bin/env python3
"""How often `camaudit init` finds the transform of a model that states none.

    python benches/transforms.py BIN MODEL PHOTOS [MORE_PHOTOS]

MODEL is EfficientNet-Lite0 (centre crop 7/8, bicubic to 224, RGB, (x - 127) / 128), PHOTOS a folder per class with classes.txt,
MORE_PHOTOS a flat folder of <class>_<anything>.jpg. Models whose right transform is known by construction:

* other pixel values, orders of channels and axes: what turns them into the model's own is put in front of the graph, so that it
  computes the same;
* other geometries: a linear head is trained on the features that half of MORE_PHOTOS gives under that geometry, for groups of
  neighbouring classes; `init` sees the other half;
* pixel values that are not among the tries: what it says then.

For every model: whether pixel values and geometry of the pipeline are the right ones, what `init` says, and the top-1 of the chosen
and of the right transform on the same images, computed here with Pillow and ONNX Runtime.
"""
import pathlib, shutil, subprocess, sys, tempfile, time, tomllib
import numpy as np
import onnx, onnxruntime
from onnx import helper, numpy_helper
from PIL import Image

SIDE = 224
IMAGENET = dict(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225])
VALUES = {  # (x * scale - mean) / std
    "own": dict(scale=1.0, mean=[127.0] * 3, std=[128.0] * 3),
    "imagenet": dict(scale=1 / 255, **IMAGENET),
    "0..1": dict(scale=1 / 255, mean=[0.0] * 3, std=[1.0] * 3),
    "-1..1": dict(scale=1 / 255, mean=[0.5] * 3, std=[0.5] * 3),
    "0..255": dict(scale=1.0, mean=[0.0] * 3, std=[1.0] * 3),
    "caffe": dict(scale=1.0, mean=[123.68, 116.779, 103.939], std=[1.0] * 3),  # in the order of RGB
    # Not among the tries.
    "-2..2": dict(scale=1 / 255, mean=[0.5] * 3, std=[0.25] * 3),
    "0..16": dict(scale=16 / 255, mean=[0.0] * 3, std=[1.0] * 3),
    "negative": dict(scale=-1 / 255, mean=[-1.0] * 3, std=[1.0] * 3),
}
FILTERS = {"nearest": 0, "lanczos": 1, "bilinear": 2, "bicubic": 3}


def steps_of(geometry, filter="bilinear"):
    return {
        "crop 7/8": [{"resize": {"short": 256, "filter": filter}}, {"center_crop": SIDE}],
        "crop": [{"resize": {"short": SIDE, "filter": filter}}, {"center_crop": SIDE}],
        "squash": [{"resize": {"exact": [SIDE, SIDE], "filter": filter}}],
        "letterbox grey": [{"letterbox": {"size": [SIDE, SIDE], "fill": [114] * 3, "filter": filter}}],
        "letterbox black": [{"letterbox": {"size": [SIDE, SIDE], "fill": [0] * 3, "filter": filter}}],
    }[geometry]


def geometry_of(steps):
    """The name of listed steps, without the filter."""
    plain = [{k: {n: v for n, v in s[k].items() if n != "filter"} if isinstance(s[k], dict) else s[k] for k in s} for s in steps]
    for name in ("crop 7/8", "crop", "squash", "letterbox grey", "letterbox black"):
        known = [{k: {n: v for n, v in s[k].items() if n != "filter"} if isinstance(s[k], dict) else s[k] for k in s} for s in steps_of(name)]
        if plain == known:
            return name
    return "other"


def pixels(path, steps):
    image = Image.open(path).convert("RGB")
    for step in steps:
        (kind, how), = step.items()
        if kind == "center_crop":
            width, height = image.size
            left, top = round((width - how) / 2), round((height - how) / 2)
            image = image.crop((left, top, left + how, top + how))
        elif kind == "letterbox":
            width, height = image.size
            ratio = min(how["size"][0] / width, how["size"][1] / height)
            inner = [max(1, round(width * ratio)), max(1, round(height * ratio))]
            board = Image.new("RGB", how["size"], tuple(how["fill"]))
            board.paste(image.resize(inner, FILTERS[how["filter"]]), [(how["size"][i] - inner[i]) // 2 for i in (0, 1)])
            image = board
        elif "exact" in how:
            image = image.resize(how["exact"], FILTERS[how["filter"]])
        else:
            width, height = image.size
            short, long = min(width, height), max(width, height)
            size = (how["short"], how["short"] * long // short)
            image = image.resize(size if width <= height else size[::-1], FILTERS[how["filter"]])
    return np.asarray(image, "f4")


def tensor(path, table):
    """The input that a [preprocess] table makes."""
    x = pixels(path, table["steps"])
    channels = table.get("channels", "rgb")
    if channels == "grey":
        x = np.asarray(Image.fromarray(x.astype("u1")).convert("L"), "f4")[..., None]
    if channels == "bgr":
        x = x[..., ::-1]
    x = (x * table.get("scale", 1 / 255) - np.array(table.get("mean", [0.0]))) / np.array(table.get("std", [1.0]))
    return (x if table.get("layout") == "nhwc" else x.transpose(2, 0, 1))[None].astype("f4")


def model_with(base, values, channels="rgb", layout="nchw", head=None, is_open=False):
    """The network behind nodes that turn such an input into the network's own."""
    model = onnx.ModelProto()
    model.CopyFrom(base)
    graph = model.graph
    image = graph.input[0]
    inner, name, nodes = image.name, "pixels", []
    if layout == "nhwc":
        nodes.append(helper.make_node("Transpose", [name], ["planes"], perm=[0, 3, 1, 2]))
        name = "planes"
    if channels == "bgr":
        graph.initializer.append(numpy_helper.from_array(np.array([2, 1, 0], "i8"), "order"))
        nodes.append(helper.make_node("Gather", [name, "order"], ["rgb"], axis=1))
        name = "rgb"
    if channels == "grey":
        nodes.append(helper.make_node("Concat", [name] * 3, ["rgb"], axis=1))
        name = "rgb"
    # x = (input * std + mean) / scale, and the network takes (x - 127) / 128.
    own, v = VALUES["own"], values
    factor = np.array(v["std"]) / v["scale"] / own["std"]
    shift = (np.array(v["mean"]) / v["scale"] - own["mean"]) / own["std"]
    for key, numbers in (("factor", factor), ("shift", shift)):
        graph.initializer.append(numpy_helper.from_array(numbers.astype("f4").reshape(1, 3, 1, 1), key))
    nodes += [helper.make_node("Mul", [name, "factor"], ["scaled"]), helper.make_node("Add", ["scaled", "shift"], [inner])]
    for i, node in enumerate(nodes):
        node.name = f"front{i}"
        graph.node.insert(i, node)
    count = 1 if channels == "grey" else 3
    side = None if is_open else SIDE
    shape = [1, side, side, count] if layout == "nhwc" else [1, count, side, side]
    graph.input[0].CopyFrom(helper.make_tensor_value_info("pixels", onnx.TensorProto.FLOAT, shape))
    if head is not None:
        weights, bias = head
        gemm = [n for n in graph.node if n.op_type == "Gemm"][-1]
        transposed = any(a.name == "transB" and a.i for a in gemm.attribute)
        replace(graph, gemm.input[1], weights if transposed else weights.T)
        replace(graph, gemm.input[2], bias)
        graph.output[0].CopyFrom(helper.make_tensor_value_info(graph.output[0].name, onnx.TensorProto.FLOAT, [1, len(bias)]))
    del graph.value_info[:]
    return model


def replace(graph, name, values):
    for i, weight in enumerate(graph.initializer):
        if weight.name == name:
            graph.initializer[i].CopyFrom(numpy_helper.from_array(np.ascontiguousarray(values, "f4"), name))


def features(base, inputs):
    model = onnx.ModelProto()
    model.CopyFrom(base)
    gemm = [n for n in model.graph.node if n.op_type == "Gemm"][-1]
    model.graph.output.append(helper.make_tensor_value_info(gemm.input[0], onnx.TensorProto.FLOAT, None))
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return np.concatenate([session.run([gemm.input[0]], {session.get_inputs()[0].name: x})[0].reshape(1, -1) for x in inputs])


def train(x, y, classes, l2=1e-2, steps=400):
    """A linear softmax head by gradient descent with momentum on standardised features."""
    mean, std = x.mean(0), x.std(0) + 1e-3
    z, w, b = (x - mean) / std, np.zeros((classes, x.shape[1])), np.zeros(classes)
    vw, vb, target = np.zeros_like(w), np.zeros_like(b), np.eye(classes)[y]
    for _ in range(steps):
        logits = z @ w.T + b
        p = np.exp(logits - logits.max(1, keepdims=True))
        g = (p / p.sum(1, keepdims=True) - target) / len(z)
        vw, vb = 0.9 * vw - 0.1 * (g.T @ z + l2 * w), 0.9 * vb - 0.1 * g.sum(0)
        w, b = w + vw, b + vb
    return w / std, b - (w / std) @ mean


def top1(model, files, labels, table):
    session = onnxruntime.InferenceSession(model.SerializeToString())
    name = session.get_inputs()[0].name
    right = [int(session.run(None, {name: tensor(f, table)})[0].argmax()) == y for f, y in zip(files, labels)]
    return sum(right), len(right)


def table_of(values, geometry, channels, layout, filter):
    v = dict(VALUES[values])
    if channels == "bgr":
        v["mean"], v["std"] = v["mean"][::-1], v["std"][::-1]
    if channels == "grey":
        v["mean"], v["std"] = [float(np.mean(v["mean"]))], [float(np.mean(v["std"]))]
    return dict(v, steps=steps_of(geometry, filter), channels=channels, layout=layout)


def same_values(a, b):
    """Within two levels of 255 at black and at white, channel by channel."""
    def ends(t):
        order = slice(None, None, -1) if t.get("channels") == "bgr" else slice(None)
        mean, std = (np.broadcast_to(np.array(t.get(k, [d])), 3)[order] for k, d in (("mean", 0.0), ("std", 1.0)))
        return np.array([(level * t.get("scale", 1 / 255) - mean) / std for level in (0, 255)])
    if t_order(a) != t_order(b):
        return False
    x, y = ends(a), ends(b)
    return bool(np.all(abs(x - y) <= 2 / 255 * abs(y[1] - y[0])))


def t_order(table):
    return table.get("channels", "rgb")


def cases(more):
    for values, channels, layout, is_open in [
        ("own", "rgb", "nchw", False), ("imagenet", "rgb", "nchw", False), ("0..1", "rgb", "nchw", False), ("0..255", "rgb", "nchw", False),
        ("caffe", "bgr", "nchw", False), ("-1..1", "bgr", "nchw", False), ("0..1", "bgr", "nhwc", False), ("0..1", "rgb", "nhwc", False),
        ("imagenet", "rgb", "nchw", True), ("0..1", "grey", "nchw", False), ("-1..1", "grey", "nhwc", False),
        ("-2..2", "rgb", "nchw", False), ("0..16", "rgb", "nchw", False), ("negative", "rgb", "nchw", False)]:
        yield values, "crop 7/8", channels, layout, is_open, "bicubic"
    if more:
        for values, geometry in [("imagenet", "squash"), ("-1..1", "squash"), ("0..1", "letterbox grey"), ("0..255", "letterbox black"),
                                 ("imagenet", "letterbox black"), ("-1..1", "crop"), ("0..1", "crop 7/8")]:
            yield values, geometry, "rgb", "nchw", False, "bilinear"


def main():
    binary, model_file, photos = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3]).resolve()
    more = pathlib.Path(sys.argv[4]).resolve() if len(sys.argv) > 4 else None
    base = onnx.load(model_file)
    names = (photos / "classes.txt").read_text().split()
    own = [(f, names.index(f.parent.name)) for f in sorted(photos.glob("*/*"))]
    work = pathlib.Path(tempfile.mkdtemp())
    audited, heads, groups = None, {}, []
    if more:
        files = sorted(more.glob("*.jpg"))
        wnids = sorted({f.name.split("_")[0] for f in files})
        groups = [f"group{i:02}" for i in range(0, (len(wnids) + 9) // 10)]
        labeled = [(f, wnids.index(f.name.split("_")[0]) // 10) for f in files]
        trained, audited = labeled[::2], labeled[1::2]
        for f, y in audited:
            (work / "more" / groups[y]).mkdir(parents=True, exist_ok=True)
            shutil.copy(f, work / "more" / groups[y] / f.name)
        (work / "more/classes.txt").write_text("\n".join(groups) + "\n")

    found_values = found_both = tied = total = 0
    losses = []
    print(f"{'values':10} {'geometry':16} {'order':10} {'values?':8} {'geometry?':10} {'chosen':>7} {'right':>7}  {'s':>4}  says")
    for values, geometry, channels, layout, is_open, filter in cases(more):
        is_retrained = filter == "bilinear"
        right = table_of(values, geometry, channels, layout, filter)
        head = None
        if is_retrained:
            if geometry not in heads:
                x = [tensor(f, table_of("own", geometry, "rgb", "nchw", filter)) for f, _ in trained]
                heads[geometry] = train(features(base, x), np.array([y for _, y in trained]), len(groups))
            head = heads[geometry]
        model = model_with(base, VALUES[values] if channels != "grey" else {k: [np.mean(v)] * 3 if k != "scale" else v for k, v in VALUES[values].items()},
                           channels, layout, head, is_open)
        onnx.save(model, work / "net.onnx")
        pipeline = work / "net.toml"
        start = time.time()
        said = subprocess.run([binary, "init", work / "net.onnx", work / "more" if is_retrained else photos, "--out", pipeline, "--force", "--quiet", "--engine", "onnxruntime"],
                              capture_output=True, text=True)
        seconds = time.time() - start
        if said.returncode:
            sys.exit(f"{values}, {geometry}, {channels}: {said.stderr}")
        chosen = tomllib.loads(pipeline.read_text())["preprocess"]
        files, labels = zip(*(audited if is_retrained else own))
        if is_retrained:  # the images that init drew cannot be told from here: all of them
            files, labels = files[:], labels[:]
        a, n = top1(model, files, labels, chosen)
        b, _ = top1(model, files, labels, right)
        ok_values, ok_geometry = same_values(chosen, right), geometry_of(chosen["steps"]) == geometry
        says = "tie" if "It is a tie" in said.stdout else "not confirmed" if "could be confirmed" in said.stdout else "clear"
        total += 1
        found_values += ok_values
        found_both += ok_values and ok_geometry
        tied += says == "tie"
        losses.append(100 * (b - a) / n)
        print(f"{values:10} {geometry:16} {channels + ' ' + layout:10} {'yes' if ok_values else 'NO':8} {'yes' if ok_geometry else 'NO':10} "
              f"{100 * a / n:6.1f}% {100 * b / n:6.1f}%  {seconds:4.0f}  {says}", flush=True)
    print(f"\nof {total} models: right pixel values {found_values}, right values and geometry {found_both}; said to be a tie {tied}; "
          f"top-1 lost against the right transform: mean {np.mean(losses):.1f}, worst {max(losses):.1f} points")
    shutil.rmtree(work)


if __name__ == "__main__":
    main()
