#!/usr/bin/env python3
"""Writes the classifiers that the benches time, as exporters write them (batch norms folded where they follow a convolution).

    python benches/models.py FOLDER

The weights are random (seed 0): the time does not depend on them. Shapes are those of the papers: ResNet (He et al. 2016),
MobileNetV2 (Sandler et al. 2018), DenseNet-121 (Huang et al. 2017), SqueezeNet 1.1 (Iandola et al. 2016).
"""
import pathlib, sys
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

CLASSES, SIDE = 1000, 224


class Net:
    def __init__(self):
        self.nodes, self.weights, self.random, self.channels = [], [], np.random.default_rng(0), 3

    def add(self, op, inputs, **attributes):
        out = f"{op.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [out], name=out, **attributes))
        return out

    def weight(self, values):
        name = f"weight_{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.asarray(values, "f4"), name))
        return name

    def conv(self, x, out, kernel, stride=1, group=1, padding=None, bias=True, channels=None):
        channels = channels or self.channels
        fan = channels // group * kernel * kernel
        w = self.weight(self.random.normal(0, (2 / fan) ** 0.5, (out, channels // group, kernel, kernel)))
        p = kernel // 2 if padding is None else padding
        inputs = [x, w] + ([self.weight(np.zeros(out))] if bias else [])
        self.channels = out
        return self.add("Conv", inputs, kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=[p] * 4, group=group)

    def relu(self, x):
        return self.add("Relu", [x])

    def relu6(self, x):
        return self.add("Clip", [x, self.weight(0.0), self.weight(6.0)])

    def norm(self, x, channels):
        ones, zeros = np.ones(channels), np.zeros(channels)
        return self.add("BatchNormalization", [x] + [self.weight(v) for v in (ones, zeros, zeros, ones)])

    def save(self, x, path, head=True):
        x = self.add("GlobalAveragePool", [x])
        x = self.add("Flatten", [x])
        if head:
            w = self.weight(self.random.normal(0, 0.02, (CLASSES, self.channels)))
            x = self.add("Gemm", [x, w, self.weight(np.zeros(CLASSES))], transB=1)
        image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, SIDE, SIDE])
        logits = helper.make_tensor_value_info(x, TensorProto.FLOAT, [1, CLASSES])
        graph = helper.make_graph(self.nodes, path.stem, [image], [logits], self.weights)
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)


def resnet(path, blocks, bottleneck):
    net = Net()
    x = net.relu(net.conv("image", 64, 7, 2))
    x = net.add("MaxPool", [x], kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
    for stage, count in enumerate(blocks):
        width = 64 << stage
        out = width * 4 if bottleneck else width
        for block in range(count):
            stride, before, skip = (2 if stage and not block else 1), net.channels, x
            if stride > 1 or before != out:
                skip = net.conv(x, out, 1, stride, channels=before)
            if bottleneck:
                y = net.relu(net.conv(x, width, 1, channels=before))
                y = net.relu(net.conv(y, width, 3, stride))
                y = net.conv(y, out, 1)
            else:
                y = net.relu(net.conv(x, width, 3, stride, channels=before))
                y = net.conv(y, out, 3)
            x = net.relu(net.add("Add", [y, skip]))
    net.save(x, path)


def mobilenet_v2(path):
    net = Net()
    x = net.relu6(net.conv("image", 32, 3, 2))
    for expand, out, count, stride in [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]:
        for block in range(count):
            before, skip, width = net.channels, x, net.channels * expand
            y = net.relu6(net.conv(x, width, 1)) if expand > 1 else x
            y = net.relu6(net.conv(y, width, 3, stride if not block else 1, group=width))
            y = net.conv(y, out, 1)
            x = net.add("Add", [y, skip]) if block and before == out else y
    net.save(net.relu6(net.conv(x, 1280, 1)), path)


def densenet121(path):
    net = Net()
    x = net.relu(net.conv("image", 64, 7, 2))
    x = net.add("MaxPool", [x], kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
    channels = 64
    for stage, count in enumerate((6, 12, 24, 16)):
        for _ in range(count):
            y = net.conv(net.relu(net.norm(x, channels)), 128, 1, channels=channels)
            y = net.conv(net.relu(y), 32, 3, bias=False)
            x = net.add("Concat", [x, y], axis=1)
            channels += 32
        x = net.relu(net.norm(x, channels))
        if stage < 3:
            x = net.conv(x, channels // 2, 1, bias=False, channels=channels)
            x = net.add("AveragePool", [x], kernel_shape=[2, 2], strides=[2, 2])
            channels //= 2
    net.channels = channels
    net.save(x, path)


def squeezenet(path):
    net = Net()
    x = net.relu(net.conv("image", 64, 3, 2, padding=0))
    for fire in (0, (16, 64), (16, 64), 0, (32, 128), (32, 128), 0, (48, 192), (48, 192), (64, 256), (64, 256)):
        if not fire:
            x = net.add("MaxPool", [x], kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1)
            continue
        s = net.relu(net.conv(x, fire[0], 1))
        one = net.relu(net.conv(s, fire[1], 1, channels=fire[0]))
        three = net.relu(net.conv(s, fire[1], 3, channels=fire[0]))
        x = net.add("Concat", [one, three], axis=1)
        net.channels = 2 * fire[1]
    net.save(net.relu(net.conv(x, CLASSES, 1)), path, head=False)


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    mobilenet_v2(folder / "mobilenet_v2.onnx")
    resnet(folder / "resnet18.onnx", (2, 2, 2, 2), False)
    resnet(folder / "resnet50.onnx", (3, 4, 6, 3), True)
    densenet121(folder / "densenet121.onnx")
    squeezenet(folder / "squeezenet1_1.onnx")


main()
