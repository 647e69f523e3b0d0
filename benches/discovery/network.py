"""Heads on the frozen trunk of a trained network."""
import io
import numpy as np, onnx, onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

SIDE = 224


class Trunk:
    """A classifier cut behind its global average pool. Pixels go in as (x - 127) / 128."""

    def __init__(self, path):
        self.model = onnx.load(path)
        graph = self.model.graph
        pool = [node for node in graph.node if node.op_type == "GlobalAveragePool"][-1]
        flat = [node for node in graph.node if pool.output[0] in node.input][0]
        self.features = flat.output[0] if flat.op_type == "Flatten" else pool.output[0]

        del graph.output[:]
        graph.output.append(helper.make_tensor_value_info(self.features, TensorProto.FLOAT, None))
        keep, wanted = [], {self.features}
        for node in reversed(graph.node):
            if wanted & set(node.output):
                keep.append(node)
                wanted |= set(node.input)
        del graph.node[:]
        graph.node.extend(reversed(keep))
        weights = [weight for weight in graph.initializer if weight.name in wanted]
        del graph.initializer[:]
        graph.initializer.extend(weights)

        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = ort.InferenceSession(self.model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        self.kept = {}

    def of(self, data):
        """Pooled features of the bytes of one photo."""
        if data not in self.kept:
            picture = Image.open(io.BytesIO(data)).convert("RGB").resize((SIDE, SIDE), Image.BILINEAR)
            x = (np.asarray(picture, "f4").transpose(2, 0, 1)[None] - 127) / 128
            self.kept[data] = self.session.run(None, {self.session.get_inputs()[0].name: x})[0].reshape(-1)
        return self.kept[data]

    def save(self, head, path):
        """The network with this head."""
        weight, bias = head
        model = onnx.ModelProto()
        model.CopyFrom(self.model)
        graph = model.graph
        graph.initializer.append(numpy_helper.from_array(weight.astype("f4"), "head.weight"))
        graph.initializer.append(numpy_helper.from_array(bias.astype("f4"), "head.bias"))
        graph.node.append(
            helper.make_node("Gemm", [self.features, "head.weight", "head.bias"], ["logits"], "head", transB=1)
        )
        del graph.output[:]
        graph.output.append(helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", len(bias)]))
        onnx.save(model, path)


def train_head(x, y, class_count, steps=300, decay=1e-3):
    """Multinomial logistic regression on standardised features, folded back: weights and bias for the raw ones."""
    mean, std = x.mean(0), np.maximum(x.std(0), 0.2 * x.std(0).max())
    z, onehot = (x - mean) / std, np.eye(class_count)[y]
    w, b = np.zeros((class_count, x.shape[1])), np.zeros(class_count)
    moments = [[np.zeros_like(w), np.zeros_like(w)], [np.zeros_like(b), np.zeros_like(b)]]

    for t in range(1, steps + 1):
        logits = z @ w.T + b
        p = np.exp(logits - logits.max(1, keepdims=True))
        d = (p / p.sum(1, keepdims=True) - onehot) / len(x)
        for (m, v), value, g in zip(moments, (w, b), (d.T @ z + decay * w, d.sum(0))):
            m *= 0.9
            m += 0.1 * g
            v *= 0.999
            v += 0.001 * g * g
            value -= 0.02 * m / (1 - 0.9**t) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
    return w / std, b - (w / std) @ mean
