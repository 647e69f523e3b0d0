"""Models as ONNX files with their transform and the names of their classes."""

from __future__ import annotations

import ast
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import camaudit
import pytest
from camaudit import _toml, export

IMAGENET = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}


def metadata(file: Path) -> dict[str, str]:
    onnx = pytest.importorskip("onnx")
    return {entry.key: entry.value for entry in onnx.load(file).metadata_props}


def test_metadata_is_added_to_any_file(root: Path, tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    file = tmp_path / "model.onnx"
    shutil.copy(root / "fixtures" / "models" / "shortcut.onnx", file)
    before = onnx.load(file)
    export.add_metadata(file, {"names": "{0: 'Bär'}", "long": "x" * 100_000})
    assert metadata(file) == {"names": "{0: 'Bär'}", "long": "x" * 100_000}
    assert onnx.load(file).graph == before.graph
    onnx.checker.check_model(file)


def test_timm_configurations() -> None:
    config = {"input_size": (3, 224, 224), "interpolation": "bicubic", "crop_pct": 0.9, "crop_mode": "center", **IMAGENET}
    steps = [{"resize": {"short": 248, "filter": "bicubic"}}, {"center_crop": 224}]
    assert export.preprocess(config) == {"steps": steps, **IMAGENET}
    squash = export.preprocess({**config, "crop_mode": "squash"})
    assert squash["steps"][0] == {"resize": {"exact": [248, 248], "filter": "bicubic"}}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"crop_mode": "border"}, "crop_mode: 'border'"),
        ({"interpolation": "hamming"}, "interpolation = 'hamming'"),
        ({"input_size": (3, 224, 192)}, "input_size: 224 x 192"),
        ({"input_size": (1, 28, 28)}, "input_size: 1 channels"),
    ],
)
def test_timm_configurations_that_cannot_be_expressed(change: dict[str, Any], message: str) -> None:
    config = {"input_size": (3, 224, 224), "interpolation": "bicubic", **IMAGENET, **change}
    with pytest.raises(camaudit.Error, match=message):
        export.preprocess(config)


def test_keys_of_the_table_are_taken_as_they_are() -> None:
    assert export.preprocess({"preset": "tf-lite", "size": 260}) == {"preset": "tf-lite", "size": 260}
    with pytest.raises(camaudit.Error, match="'pre-set' is no key"):
        export.preprocess({"pre-set": "tf-lite"})


@pytest.fixture
def torch() -> Any:
    return pytest.importorskip("torch", reason="PyTorch is not installed")


@pytest.fixture
def transforms(torch: Any) -> Any:
    return pytest.importorskip("torchvision.transforms", reason="torchvision is not installed")


@pytest.fixture
def v2(torch: Any) -> Any:
    return pytest.importorskip("torchvision.transforms.v2", reason="torchvision is not installed")


def test_weights_of_torchvision(transforms: Any) -> None:
    from torchvision.models import EfficientNet_B1_Weights, ResNet18_Weights

    steps = [{"resize": {"short": 256, "filter": "bilinear"}}, {"center_crop": 224}]
    assert export.preprocess(ResNet18_Weights.DEFAULT.transforms()) == {"steps": steps, **IMAGENET}
    steps = [{"resize": {"short": 255, "filter": "bilinear"}}, {"center_crop": 240}]
    assert export.preprocess(EfficientNet_B1_Weights.IMAGENET1K_V2.transforms())["steps"] == steps


def test_composed_steps(transforms: Any, v2: Any, torch: Any) -> None:
    tf = transforms
    normalise = tf.Normalize(IMAGENET["mean"], IMAGENET["std"])
    steps = [{"resize": {"exact": [160, 128], "filter": "bicubic"}}, {"center_crop": 96}]
    resize = tf.Resize((128, 160), interpolation=tf.InterpolationMode.BICUBIC)
    composed = tf.Compose([resize, tf.CenterCrop(96), tf.Compose([tf.ToTensor(), normalise])])
    assert export.preprocess(composed) == {"steps": steps, **IMAGENET}

    modern = v2.Compose([
        v2.ToImage(),
        v2.Resize((128, 160), interpolation=v2.InterpolationMode.BICUBIC),
        v2.CenterCrop(96),
        v2.ToDtype(torch.float32, scale=True),
        v2.Normalize(**IMAGENET),
    ])
    assert export.preprocess(modern) == {"steps": steps, **IMAGENET}

    grey = tf.Compose([tf.Grayscale(), tf.Resize((28, 28)), tf.ToTensor()])
    resize = {"resize": {"exact": [28, 28], "filter": "bilinear"}}
    assert export.preprocess(grey) == {"steps": [resize], "channels": "grey"}
    pixels = v2.Compose([v2.PILToTensor(), v2.Resize((28, 28)), v2.ToDtype(torch.float32)])
    assert export.preprocess(pixels) == {"steps": [resize], "scale": 1.0}


def test_steps_that_cannot_be_expressed_are_named(transforms: Any, v2: Any) -> None:
    tf = transforms
    cases = [
        (tf.RandomResizedCrop(224), "RandomResizedCrop"),
        (tf.Lambda(lambda image: image), "Lambda"),
        (tf.Pad(4), r"Pad\(padding=4"),
        (tf.CenterCrop((224, 200)), "CenterCrop.size"),
        (tf.Resize(256, max_size=400), "Resize.max_size = 400"),
        (tf.Resize(256, interpolation=tf.InterpolationMode.BOX), "Resize.interpolation = 'box'"),
        (tf.Grayscale(3), "Grayscale with three channels"),
        (v2.Resize(256, antialias=False), "Resize.antialias = False"),
    ]
    for step, message in cases:
        with pytest.raises(camaudit.Error, match=message):
            export.preprocess(tf.Compose([step, tf.ToTensor()]))
    with pytest.raises(camaudit.Error, match="Resize behind ToTensor"):
        export.preprocess(tf.Compose([tf.ToTensor(), tf.Resize(256)]))
    with pytest.raises(camaudit.Error, match="does not fix the size"):
        export.export_torch(None, "never.onnx", transform=tf.Compose([tf.Resize(256), tf.ToTensor()]))  # type: ignore[arg-type]


def test_image_processors_of_hugging_face(torch: Any) -> None:
    transformers = pytest.importorskip("transformers", reason="Hugging Face's transformers is not installed")
    vit = export.preprocess(transformers.ViTImageProcessor())
    half = {"mean": [0.5] * 3, "std": [0.5] * 3}
    assert vit == {"steps": [{"resize": {"exact": [224, 224], "filter": "bilinear"}}], **half}

    resnet = export.preprocess(transformers.ConvNextImageProcessor(size={"shortest_edge": 224}, crop_pct=0.875))
    steps = [{"resize": {"short": 256, "filter": "bilinear"}}, {"center_crop": 224}]
    assert resnet == {"steps": steps, **half}
    large = export.preprocess(transformers.ConvNextImageProcessor(size={"shortest_edge": 384}))
    assert large["steps"] == [{"resize": {"exact": [384, 384], "filter": "bilinear"}}]
    mobile = export.preprocess(transformers.MobileNetV2ImageProcessor())
    assert mobile == {"steps": steps, **half}
    with pytest.raises(camaudit.Error, match="EfficientNetImageProcessor is no image processor that camaudit knows"):
        export.preprocess(transformers.EfficientNetImageProcessor())


def small_network(torch: Any) -> Any:
    torch.manual_seed(3)
    nn = torch.nn
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, 2, 1), nn.ReLU(), nn.BatchNorm2d(8), nn.Conv2d(8, 16, 3, 2, 1), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 3),
    )  # fmt: skip


def check_logits(folder: Path, write_pipeline: Callable[..., Path], root: Path, file: Path, logits: Any) -> None:
    """Audit a few images by the transform in the file; the logits must be those of `logits(picture)`."""
    from PIL import Image

    pipeline = write_pipeline(root / "fixtures" / "horses", "[run]\nlimit = 3\n")
    table = json.loads(metadata(file)["camaudit.preprocess"])
    keys = "".join(f"{key} = {_toml.literal(value)}\n" for key, value in table.items())
    text = pipeline.read_text().replace('preset = "zero-one"\nsize = 64\n', keys)
    pipeline.write_text(text)
    run = camaudit.run(pipeline, out=folder / "reports", model__path=file)
    assert len(run.images) >= 9
    for row in run.images.iter_rows(named=True):
        expected = float(logits(Image.open(row["file"]).convert("RGB"))[0, row["target_class"]])
        assert row["logit"] == pytest.approx(expected, abs=2e-3), row["path"]


@pytest.mark.filterwarnings("ignore")
def test_a_network_is_exported_as_it_was_evaluated(
    torch: Any, transforms: Any, root: Path, tmp_path: Path, write_pipeline: Callable[..., Path]
) -> None:
    normalise = transforms.Normalize(IMAGENET["mean"], IMAGENET["std"])
    transform = transforms.Compose([
        transforms.Resize(70, antialias=True), transforms.CenterCrop(64), transforms.ToTensor(), normalise
    ])  # fmt: skip
    model = small_network(torch).train()
    file = export.export_torch(model, tmp_path / "m.onnx", transform=transform, classes=["boat", "car", "horse"])
    assert model.training
    assert ast.literal_eval(metadata(file)["names"]) == {0: "boat", 1: "car", 2: "horse"}

    model.eval().requires_grad_(False)
    check_logits(tmp_path, write_pipeline, root, file, lambda picture: model(transform(picture)[None]))


@pytest.mark.filterwarnings("ignore")
def test_a_network_of_timm(torch: Any, root: Path, tmp_path: Path, write_pipeline: Callable[..., Path]) -> None:
    timm = pytest.importorskip("timm", reason="timm is not installed")
    model = timm.create_model("resnet18", num_classes=3).eval().requires_grad_(False)
    config = timm.data.resolve_data_config({}, model=model)
    file = export.export_torch(model, tmp_path / "m.onnx", transform=config)
    transform = timm.data.create_transform(**config)
    assert export.preprocess(transform) == export.preprocess(config)
    check_logits(tmp_path, write_pipeline, root, file, lambda picture: model(transform(picture)[None]))


@pytest.mark.filterwarnings("ignore")
def test_a_network_of_hugging_face(torch: Any, root: Path, tmp_path: Path, write_pipeline: Callable[..., Path]) -> None:
    transformers = pytest.importorskip("transformers", reason="Hugging Face's transformers is not installed")
    config = transformers.ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], num_labels=3)
    model = transformers.ResNetForImageClassification(config).eval().requires_grad_(False)
    processor = transformers.ViTImageProcessor(size={"height": 64, "width": 96}, resample=3)
    file = export.export_torch(model, tmp_path / "m.onnx", transform=processor, classes=config.id2label)
    assert ast.literal_eval(metadata(file)["names"]) == config.id2label

    def logits(picture: Any) -> Any:
        return model(processor(picture, return_tensors="pt")["pixel_values"]).logits

    check_logits(tmp_path, write_pipeline, root, file, logits)


def test_models_that_return_more_than_logits(torch: Any, tmp_path: Path) -> None:
    class Output:
        def __init__(self, logits: Any) -> None:
            self.logits = logits

    class Wrapped(torch.nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.inner = small_network(torch)

        def forward(self, image: Any) -> Output:
            return Output(self.inner(image))

    table = {"preset": "zero-one", "size": 32}
    file = export.export_torch(Wrapped(), tmp_path / "m.onnx", transform=table, classes={0: "a", 1: "b", 2: "c"})
    assert ast.literal_eval(metadata(file)["names"]) == {0: "a", 1: "b", 2: "c"}
    with pytest.raises(camaudit.Error, match="2 names for 3 classes"):
        export.export_torch(small_network(torch), tmp_path / "n.onnx", transform=table, classes=["a", "b"])
    with pytest.raises(camaudit.Error, match="the model returns a tuple"):
        class Tuple(torch.nn.Module):  # type: ignore[misc, name-defined]
            def forward(self, image: Any) -> Any:
                return image, image

        export.export_torch(Tuple(), tmp_path / "t.onnx", transform=table)


def test_the_newer_exporter(torch: Any, tmp_path: Path) -> None:
    pytest.importorskip("onnxscript", reason="onnxscript is not installed")
    table = {"preset": "zero-one", "size": 32}
    file = export.export_torch(small_network(torch), tmp_path / "m.onnx", transform=table, dynamo=True)
    assert json.loads(metadata(file)["camaudit.preprocess"]) == table
