"""Models as ONNX files that say how their input is made and what their classes are called.

The file's metadata has two keys that ``camaudit init`` reads: ``camaudit.preprocess``, the ``[preprocess]`` table of
a pipeline as JSON, and ``names``, the classes as Ultralytics writes them: ``{0: 'car', 1: 'horse'}``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import _transforms
from ._error import Error

if TYPE_CHECKING:
    import torch

# ModelProto.metadata_props, and the fields of its entries; all three are length-delimited.
_METADATA_PROPS = 14
_KEY = 1
_VALUE = 2


def preprocess(transform: object) -> dict[str, Any]:
    """Return a transform as the keys of ``[preprocess]``.

    ``transform`` is one of: the ``weights.transforms()`` of torchvision, a ``Compose`` of its steps, the dict of
    timm's ``resolve_data_config``, an image processor of Hugging Face, or a dict of the keys themselves. Raises
    :class:`camaudit.Error` naming the step where one cannot be expressed.
    """
    return _transforms.table(transform)


def export_torch(
    model: torch.nn.Module,
    file: str | os.PathLike[str],
    *,
    transform: object,
    classes: Sequence[str] | Mapping[int, str] | None = None,
    opset: int = 17,
    dynamo: bool = False,
) -> Path:
    """Write a PyTorch model as ONNX, with its transform and the names of its classes; return the path.

    The model is written in evaluation mode, with the input ``image`` of shape ``(batch, channels, height, width)``
    at the size that the transform makes, and the output ``logits`` of shape ``(batch, classes)``. A model whose
    output has ``logits``, as those of Hugging Face, is wrapped. ``transform`` is as of :func:`preprocess`.
    ``classes`` are the names in the model's order; without them no ``names`` are written. ``dynamo`` chooses the
    exporter of PyTorch, which needs opset 18 and the package ``onnxscript``.
    """
    table = preprocess(transform)
    shape = _transforms.input_shape(table)
    metadata = {"camaudit.preprocess": json.dumps(table)}

    import torch

    parameter = next(model.parameters(), None)
    device = None if parameter is None else parameter.device
    image = torch.zeros((1, *shape), device=device)
    was_training = model.training
    model.eval()
    try:
        with torch.no_grad():
            output = model(image)
        wrapped = _logits_only(model) if not isinstance(output, torch.Tensor) else model
        count = _class_count(output, torch)
        if classes is not None:
            metadata["names"] = str(_names(classes, count))
        _export(wrapped, image, Path(file), opset, dynamo)
    finally:
        model.train(was_training)
    add_metadata(file, metadata)
    return Path(file)


def add_metadata(file: str | os.PathLike[str], metadata: Mapping[str, str]) -> None:
    """Add entries to the metadata of an ONNX file, whoever exported it.

    They are appended: in the format of the file repeated fields may stand anywhere, so that it need not be parsed.
    """
    with open(file, "ab") as model:
        for key, value in metadata.items():
            entry = _field(_KEY, key.encode()) + _field(_VALUE, value.encode())
            model.write(_field(_METADATA_PROPS, entry))


def _logits_only(model: Any) -> Any:
    """The model with the logits alone as output."""
    import torch

    class Logits(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, image: torch.Tensor) -> Any:
            return self.model(image).logits

    return Logits().eval()


def _class_count(output: Any, torch: Any) -> int:
    logits = output if isinstance(output, torch.Tensor) else getattr(output, "logits", None)
    if not isinstance(logits, torch.Tensor):
        raise Error(f"the model returns a {type(output).__name__}: export a module that returns the logits alone")
    if logits.ndim != 2:
        raise Error(f"the model returns {tuple(logits.shape)}: a classifier returns (batch, classes)")
    return int(logits.shape[1])


def _names(classes: Sequence[str] | Mapping[int, str], count: int) -> dict[int, str]:
    numbered = dict(classes) if isinstance(classes, Mapping) else dict(enumerate(classes))
    if isinstance(classes, str) or sorted(numbered) != list(range(count)):
        raise Error(f"classes: {len(numbered)} names for {count} classes; give one for each, in the model's order")
    return {index: str(numbered[index]) for index in range(count)}


def _export(model: Any, image: Any, file: Path, opset: int, dynamo: bool) -> None:
    import torch

    names: dict[str, Any] = {"input_names": ["image"], "output_names": ["logits"]}
    if dynamo:
        batch = {0: torch.export.Dim("batch")}
        torch.onnx.export(model, (image,), file, dynamo=True, dynamic_shapes=(batch,), opset_version=max(opset, 18), **names)
        return
    axes = {"image": {0: "batch"}, "logits": {0: "batch"}}
    torch.onnx.export(model, (image,), str(file), dynamo=False, dynamic_axes=axes, opset_version=opset, **names)


def _field(number: int, content: bytes) -> bytes:
    """A length-delimited field of protobuf."""
    return bytes([number << 3 | 2]) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    encoded = bytearray()
    while number >= 0x80:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)
