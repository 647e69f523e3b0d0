"""Training transforms of torchvision, timm and Hugging Face as the ``[preprocess]`` table of a pipeline file.

Objects are told apart by the names of their classes, so that none of these libraries is imported.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from ._error import Error

Table = dict[str, Any]
Step = dict[str, Any]

FILTERS = ("nearest", "bilinear", "bicubic", "lanczos")
# Pillow's numbers, which Hugging Face uses.
PILLOW_FILTERS = {0: "nearest", 1: "lanczos", 2: "bilinear", 3: "bicubic"}

# The keys of the table; a mapping of other keys is a data configuration of timm.
KEYS = ("preset", "size", "decode", "exif", "steps", "channels", "layout", "scale", "mean", "std")

# Image processors that resize, crop, rescale and normalise in this order, and do nothing else.
PROCESSORS = (
    "BeitImageProcessor",
    "BitImageProcessor",
    "CLIPImageProcessor",
    "ConvNextImageProcessor",
    "DeiTImageProcessor",
    "MobileNetV1ImageProcessor",
    "MobileNetV2ImageProcessor",
    "PvtImageProcessor",
    "ViTImageProcessor",
)
# What some of them have beside that, all off by default or without effect on the pixels.
UNKNOWN_FLAGS = ("do_pad", "do_flip_channel_order", "do_grayscale", "do_thumbnail", "do_align_long_axis")


def table(transform: object) -> Table:
    """Return the table that a transform amounts to; raise :class:`camaudit.Error` naming the step that cannot be
    expressed."""
    if isinstance(transform, Mapping):
        return _mapping(transform)
    name = type(transform).__name__
    if name == "ImageClassification":
        return _torchvision_preset(transform)
    if name.removesuffix("Fast") in PROCESSORS:
        return _processor(transform)
    if name.endswith(("ImageProcessor", "ImageProcessorFast")):
        raise Error(f"{name} is no image processor that camaudit knows; give the keys of [preprocess] as a dict")
    return _Composed().of(_steps_of(transform))


def input_shape(table: Mapping[str, Any]) -> tuple[int, int, int]:
    """Return channels, height and width of the model's input."""
    channels = {"grey": 1, "rgba": 4}.get(str(table.get("channels", "rgb")), 3)
    width, height = _size(table)
    return channels, height, width


def _size(table: Mapping[str, Any]) -> tuple[int, int]:
    if "steps" not in table:
        side = int(table.get("size", 224))
        return side, side
    for step in reversed(table["steps"]):
        if "center_crop" in step:
            return step["center_crop"], step["center_crop"]
        if "letterbox" in step:
            return tuple(step["letterbox"]["size"])
        if "exact" in step.get("resize", {}):
            return tuple(step["resize"]["exact"])
        break
    raise Error("the transform does not fix the size of the model's input: it must end with a centre crop or with a "
                "resize to height and width")


def _mapping(given: Mapping[str, Any]) -> Table:
    if "input_size" in given:
        return _timm(given)
    for key in given:
        if key not in KEYS:
            raise Error(f"{key!r} is no key of [preprocess]; its keys are {', '.join(KEYS)}")
    return dict(given)


def _timm(config: Mapping[str, Any]) -> Table:
    """A data configuration of timm, as its evaluation transform reads it."""
    channels, height, width = config["input_size"]
    if channels != 3:
        raise Error(f"input_size: {channels} channels; camaudit reads such a model with a dict that has `channels`")
    if height != width:
        raise Error(f"input_size: {height} x {width}; only square inputs can be expressed")
    if config.get("crop_border_pixels"):
        raise Error("crop_border_pixels: a trimmed border cannot be expressed")

    filter = _filter(config.get("interpolation", "bilinear"), "interpolation")
    side = math.floor(height / (config.get("crop_pct") or 0.875))
    mode = config.get("crop_mode") or "center"
    if mode == "center":
        resize = _short(side, filter)
    elif mode == "squash":
        resize = _exact(side, side, filter)
    else:
        raise Error(f"crop_mode: {mode!r} cannot be expressed, only 'center' and 'squash'")
    return {"steps": [resize, {"center_crop": height}], **_normalisation(config["mean"], config["std"])}


def _torchvision_preset(preset: Any) -> Table:
    """The transform of torchvision's weights."""
    filter = _filter(preset.interpolation, "interpolation")
    resize = _resize(preset.resize_size, filter, "resize_size")
    crop = {"center_crop": _side(preset.crop_size, "crop_size")}
    return {"steps": [resize, crop], **_normalisation(preset.mean, preset.std)}


def _processor(processor: Any) -> Table:
    """An image processor of Hugging Face."""
    name = type(processor).__name__
    for flag in UNKNOWN_FLAGS:
        if getattr(processor, flag, False):
            raise Error(f"{name}.{flag} cannot be expressed")

    steps: list[Step] = []
    if processor.do_resize:
        steps += _processor_resize(processor, name)
    if getattr(processor, "do_center_crop", False):
        crop = processor.crop_size
        steps.append({"center_crop": _side((crop["height"], crop["width"]), f"{name}.crop_size")})

    table: Table = {"steps": steps}
    if not processor.do_rescale:
        table["scale"] = 1.0
    elif not math.isclose(processor.rescale_factor, 1 / 255):
        table["scale"] = float(processor.rescale_factor)
    if processor.do_normalize:
        table |= _normalisation(processor.image_mean, processor.image_std)
    return table


def _processor_resize(processor: Any, name: str) -> list[Step]:
    number = int(processor.resample)
    if number not in PILLOW_FILTERS:
        raise Error(f"{name}.resample: filter {number} of Pillow cannot be expressed")
    filter = PILLOW_FILTERS[number]
    size = processor.size

    if name.startswith("ConvNext"):
        side = size["shortest_edge"]
        if side >= 384:
            return [_exact(side, side, filter)]
        return [_short(int(side / processor.crop_pct), filter), {"center_crop": side}]
    keys = {key for key in dict(size) if size[key] is not None}
    if keys == {"shortest_edge"}:
        return [_short(size["shortest_edge"], filter)]
    if keys == {"height", "width"}:
        return [_exact(size["width"], size["height"], filter)]
    raise Error(f"{name}.size: {', '.join(sorted(keys))} cannot be expressed")


class _Composed:
    """The steps of a ``Compose`` one after the other."""

    def __init__(self) -> None:
        self.table: Table = {}
        self.steps: list[Step] = []
        # Whether the picture is a tensor of floats already.
        self.is_float = False

    def of(self, transforms: Iterable[object]) -> Table:
        for transform in transforms:
            self._add(transform)
        return {"steps": self.steps, **self.table}

    def _add(self, step: Any) -> None:
        name = type(step).__name__
        match name:
            case "Resize":
                self._add_resize(step)
            case "CenterCrop":
                self.steps.append({"center_crop": _side(step.size, "CenterCrop.size")})
            case "Grayscale":
                self._add_grey(step)
            case "Normalize":
                self._add_normalisation(step)
            case "ToTensor" | "MaybeToTensor":
                self.is_float = True
            case "ToDtype" | "ConvertImageDtype":
                self._add_conversion(step, name)
            # No change of the values.
            case "PILToTensor" | "ToImage" | "ToPureTensor" | "RGB" | "Identity":
                pass
            case _:
                raise Error(f"{_shown(step)} cannot be expressed in [preprocess]: give the transform of the "
                            "evaluation, or the keys of [preprocess] as a dict")

    def _add_resize(self, step: Any) -> None:
        if self.is_float:
            raise Error("Resize behind ToTensor cannot be expressed: camaudit resizes 8-bit pixels, so put it in front")
        if getattr(step, "max_size", None) is not None:
            raise Error(f"Resize.max_size = {step.max_size} cannot be expressed")
        if getattr(step, "antialias", True) is False:
            raise Error("Resize.antialias = False cannot be expressed: camaudit resizes as Pillow does")
        filter = _filter(step.interpolation, "Resize.interpolation")
        self.steps.append(_resize(step.size, filter, "Resize.size"))

    def _add_grey(self, step: Any) -> None:
        if step.num_output_channels != 1:
            raise Error("Grayscale with three channels cannot be expressed")
        if self.steps:
            raise Error("Grayscale behind a resize or crop cannot be expressed: put it first")
        self.table["channels"] = "grey"

    def _add_conversion(self, step: Any, name: str) -> None:
        dtype = step.dtype
        if str(dtype) == "torch.uint8":
            return
        if str(dtype) != "torch.float32":
            raise Error(f"{name} to {dtype} cannot be expressed, only to torch.float32")
        if not self.is_float and name == "ToDtype" and not step.scale:
            self.table["scale"] = 1.0
        self.is_float = True

    def _add_normalisation(self, step: Any) -> None:
        if "mean" in self.table:
            raise Error("a second Normalize cannot be expressed")
        self.table |= _normalisation(step.mean, step.std)


def _steps_of(transform: Any) -> list[object]:
    """The steps of a ``Compose`` or ``Sequential``, those of inner ones in their place."""
    if hasattr(transform, "transforms") and isinstance(transform.transforms, (list, tuple)):
        inner = list(transform.transforms)
    elif type(transform).__name__ == "Sequential":
        inner = list(transform)
    else:
        return [transform]
    return [step for part in inner for step in _steps_of(part)]


def _normalisation(mean: Iterable[Any], std: Iterable[Any]) -> Table:
    return {"mean": [_number(value) for value in mean], "std": [_number(value) for value in std]}


def _number(value: Any) -> float:
    """A number as it was written: an element of a tensor has the digits of 32 bits only."""
    return float(value) if isinstance(value, (int, float)) else float(f"{float(value):.7g}")


def _resize(size: Any, filter: str, name: str) -> Step:
    """A resize of the short side, or to (height, width), as torchvision tells them apart."""
    if isinstance(size, int):
        return _short(size, filter)
    sides = [int(side) for side in size]
    if len(sides) == 1:
        return _short(sides[0], filter)
    if len(sides) == 2:
        return _exact(sides[1], sides[0], filter)
    raise Error(f"{name} = {size} cannot be expressed")


def _short(side: int, filter: str) -> Step:
    return {"resize": {"short": int(side), "filter": filter}}


def _exact(width: int, height: int, filter: str) -> Step:
    return {"resize": {"exact": [int(width), int(height)], "filter": filter}}


def _side(size: Any, name: str) -> int:
    """The side of a square."""
    sides = {size} if isinstance(size, int) else {int(side) for side in size}
    if len(sides) != 1:
        raise Error(f"{name} = {size} cannot be expressed: only square crops can")
    return sides.pop()


def _filter(interpolation: Any, name: str) -> str:
    filter = str(getattr(interpolation, "value", interpolation))
    if filter not in FILTERS:
        raise Error(f"{name} = {filter!r} cannot be expressed, only {', '.join(FILTERS)}")
    return filter


def _shown(step: object) -> str:
    text = repr(step).replace("\n", " ")
    return text if len(text) <= 100 else type(step).__name__
