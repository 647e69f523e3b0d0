"""The networks: frozen convolutions, and a linear head that is trained anew on every set."""
import functools
import numpy as np, onnx, onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

from photos import ROOT, SIDE

WIDTH = 192
# Of the four fixture networks some channels can tell the tag from the rest.
TRUNKS = ("clean", "shortcut", "films", "trains")


def _trunk():
    """Four fixture networks up to their last ReLU, side by side, pooled; `features` is [batch, 192]."""
    nodes, weights, ends = [], [], []
    for name in TRUNKS:
        graph = onnx.load(ROOT / f"fixtures/models/{name}.onnx").graph
        rename = lambda tensor: tensor if tensor == "image" else f"{name}.{tensor}"
        for node in graph.node:
            if node.op_type not in ("Conv", "Relu"):
                continue
            inputs, outputs = [rename(t) for t in node.input], [rename(t) for t in node.output]
            nodes.append(helper.make_node(node.op_type, inputs, outputs, f"{name}.{node.name}"))
            nodes[-1].attribute.extend(node.attribute)
        ends.append(nodes[-1].output[0])

        for weight in graph.initializer:
            if "conv" in weight.name:
                weights.append(numpy_helper.from_array(numpy_helper.to_array(weight), f"{name}.{weight.name}"))

    nodes.append(helper.make_node("Concat", ends, ["maps"], "concat", axis=1))
    nodes.append(helper.make_node("GlobalAveragePool", ["maps"], ["pooled"], "pool"))
    nodes.append(helper.make_node("Flatten", ["pooled"], ["features"], "flatten"))
    return nodes, weights


NODES, WEIGHTS = _trunk()


def _model(nodes, weights, output, width):
    info = helper.make_tensor_value_info
    inputs = [info("image", TensorProto.FLOAT, ["batch", 3, SIDE, SIDE])]
    outputs = [info(output, TensorProto.FLOAT, ["batch", width])]
    graph = helper.make_graph(nodes, "power", inputs, outputs, weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8
    return model


@functools.cache
def _session():
    """One thread: two processes share two cores."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    trunk = _model(NODES, WEIGHTS, "features", WIDTH).SerializeToString()
    return ort.InferenceSession(trunk, options, providers=["CPUExecutionProvider"])


def features(pictures):
    x = np.stack([np.asarray(p, "f4").transpose(2, 0, 1) / 255 for p in pictures])
    batches = [_session().run(None, {"image": x[i : i + 256]})[0] for i in range(0, len(x), 256)]
    return np.concatenate(batches)


def train_head(x, y, class_count, steps=400, decay=1e-3):
    """Multinomial logistic regression on standardised features, folded back: weights and bias for the raw ones."""
    # A floor under the spread and a decay: a head of huge weights that cancel is not exact in 32 bits.
    mean, std = x.mean(0), np.maximum(x.std(0), 0.2 * x.std(0).max())
    z, onehot = (x - mean) / std, np.eye(class_count)[y]
    w, b = np.zeros((class_count, x.shape[1])), np.zeros(class_count)
    m = [np.zeros_like(w), np.zeros_like(b)]
    v = [np.zeros_like(w), np.zeros_like(b)]

    for t in range(1, steps + 1):
        logits = z @ w.T + b
        p = np.exp(logits - logits.max(1, keepdims=True))
        d = (p / p.sum(1, keepdims=True) - onehot) / len(x)
        for i, (value, g) in enumerate(((w, d.T @ z + decay * w), (b, d.sum(0)))):
            m[i] = 0.9 * m[i] + 0.1 * g
            v[i] = 0.999 * v[i] + 0.001 * g * g
            value -= 0.05 * m[i] / (1 - 0.9**t) / (np.sqrt(v[i] / (1 - 0.999**t)) + 1e-8)
    return w / std, b - (w / std) @ mean


def logits(head, x):
    return x @ head[0].T + head[1]


def margins(head, x, label):
    """The logit of a class less the soft maximum of the others."""
    z = logits(head, x)
    return z[:, label] - np.logaddexp.reduce(np.delete(z, label, axis=1), axis=1)


def save(head, scale, path):
    """The network with weights and bias of its head multiplied by `scale`."""
    weight = numpy_helper.from_array((scale * head[0]).astype("f4"), "fc.weight")
    bias = numpy_helper.from_array((scale * head[1]).astype("f4"), "fc.bias")
    fc = helper.make_node("Gemm", ["features", "fc.weight", "fc.bias"], ["logits"], "fc", transB=1)
    onnx.save(_model(NODES + [fc], WEIGHTS + [weight, bias], "logits", len(head[1])), path)
