"""The blocks of docs/export.md, as they stand there, on small networks with random weights. What they write is audited by the
pipeline of ``camaudit init``, and the logits must be those of the framework under its own transform."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import camaudit
import pytest

# Warnings of the frameworks, and of an audit of six images.
pytestmark = pytest.mark.filterwarnings("ignore")

CLASSES = ("boat", "car", "horse")


@pytest.fixture
def blocks(root: Path) -> dict[str, str]:
    """The first block of Python below each heading."""
    page = (root / "docs" / "export.md").read_text()
    sections = re.split(r"^## ", page, flags=re.M)[1:]
    found = {}
    for section in sections:
        block = re.search(r"```python\n(.*?)```", section, re.S)
        if block:
            found[section.splitlines()[0]] = block[1]
    return found


@pytest.fixture
def page(blocks: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """Runs a block in an empty folder; returns its names."""
    monkeypatch.chdir(tmp_path)

    def run(heading: str, **names: Any) -> dict[str, Any]:
        exec(compile(blocks[heading], f"docs/export.md, {heading}", "exec"), names)
        return names

    return run


@pytest.fixture
def audit(root: Path, tmp_path: Path) -> Callable[..., None]:
    """Audits six photos of three classes, and compares the logits with ``logits(file)``."""

    def check(logits: Callable[[Path], Any], classes: Sequence[str] = CLASSES, model: str = "model.onnx") -> None:
        photos = photos_of(root, tmp_path / "photos", classes)
        pipeline = tmp_path / "pipeline.toml"
        command = [sys.executable, "-m", "camaudit", "init", model, photos, "--out", pipeline]
        said = subprocess.run(command, capture_output=True, text=True)
        assert said.returncode == 0, said.stderr
        run = camaudit.run(pipeline, out=tmp_path / "reports")
        assert run.record["counts"]["scored"] == 6, run.record["counts"]
        for row in run.images.iter_rows(named=True):
            expected = float(logits(Path(row["file"]))[row["target_class"]])
            assert row["logit"] == pytest.approx(expected, abs=2e-3, rel=1e-3), (row["path"], pipeline.read_text())

    return check


def photos_of(root: Path, folder: Path, classes: Sequence[str]) -> Path:
    """Photos that every decoder reads alike, in a folder per class."""
    from PIL import Image

    for label, name in zip(CLASSES, classes):
        (folder / name).mkdir(parents=True)
        for file in sorted((root / "fixtures" / "horses" / label).glob("*.jpg"))[:2]:
            Image.open(file).convert("RGB").save(folder / name / f"{file.stem}.png")
    return folder


def opened(file: Path) -> Any:
    from PIL import Image

    return Image.open(file).convert("RGB")


def small_network(torch: Any) -> Any:
    torch.manual_seed(3)
    nn = torch.nn
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, 4, 1), nn.ReLU(), nn.BatchNorm2d(8), nn.Conv2d(8, 16, 3, 4, 1), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 3),
    ).eval().requires_grad_(False)  # fmt: skip


def test_every_block_has_a_test(blocks: dict[str, str]) -> None:
    frameworks = ["PyTorch", "torchvision", "timm", "Lightning", "fastai", "Hugging Face", "Ultralytics", "Keras"]
    assert list(blocks) == frameworks
    tests = Path(__file__).read_text()
    for framework in frameworks:
        assert f'page("{framework}"' in tests


def test_pytorch(page: Callable[..., Any], audit: Callable[..., None]) -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("torchvision")
    names = page("PyTorch", model=small_network(torch))
    audit(lambda file: names["model"](names["transform"](opened(file))[None])[0])


def test_torchvision(page: Callable[..., Any], audit: Callable[..., None]) -> None:
    models = pytest.importorskip("torchvision.models")
    model = models.resnet18().eval().requires_grad_(False)
    names = page("torchvision", model=model)
    transform = names["weights"].transforms()
    classes = ("tench", "goldfish", "great white shark")
    audit(lambda file: model(transform(opened(file))[None])[0], classes)


def test_timm(page: Callable[..., Any], audit: Callable[..., None]) -> None:
    timm = pytest.importorskip("timm")
    model = timm.create_model("resnet18", num_classes=3).eval().requires_grad_(False)
    names = page("timm", model=model)
    transform = timm.data.create_transform(**names["config"])
    audit(lambda file: model(transform(opened(file))[None])[0])


def test_lightning(page: Callable[..., Any], audit: Callable[..., None]) -> None:
    lightning = pytest.importorskip("lightning")
    import torch
    from torchvision import transforms

    class Classifier(lightning.LightningModule):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.network = small_network(torch)

        def forward(self, image: Any) -> Any:
            return self.network(image)

        def training_step(self, batch: Any, _: int) -> Any:
            image, label = batch
            return torch.nn.functional.cross_entropy(self(image), label)

    module = Classifier()
    transform = transforms.Compose([transforms.Resize((160, 160)), transforms.ToTensor()])
    page("Lightning", module=module, transform=transform)

    def logits(file: Path) -> Any:
        return module(transform(opened(file))[None])[0]

    audit(logits)
    # As the page says of the module itself.
    from camaudit.export import export_torch

    export_torch(module, "module.onnx", transform=transform, classes=CLASSES)
    assert os.path.getsize("module.onnx") > 0


def test_fastai(page: Callable[..., Any], audit: Callable[..., None], root: Path, tmp_path: Path) -> None:
    vision = pytest.importorskip("fastai.vision.all")
    photos = photos_of(root, tmp_path / "train", CLASSES)
    normalise = vision.Normalize.from_stats(*vision.imagenet_stats)
    loaders = vision.ImageDataLoaders.from_folder(
        photos, valid_pct=0.5, seed=1, bs=2, item_tfms=vision.Resize(224), batch_tfms=normalise, num_workers=0, device="cpu"
    )  # fmt: skip
    learn = vision.vision_learner(loaders, vision.models.resnet18, pretrained=False, normalize=False)
    learn.model.eval().requires_grad_(False)
    page("fastai", learn=learn)

    def logits(file: Path) -> Any:
        (image,) = learn.dls.test_dl([file], num_workers=0).one_batch()
        return learn.model(image)[0]

    audit(logits)


def test_hugging_face(page: Callable[..., Any], audit: Callable[..., None], tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    names = dict(enumerate(CLASSES))
    config = transformers.ResNetConfig(
        embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], id2label=names, label2id={v: k for k, v in names.items()}
    )  # fmt: skip
    folder = str(tmp_path / "trained")
    transformers.ResNetForImageClassification(config).save_pretrained(folder)
    transformers.ConvNextImageProcessor(size={"shortest_edge": 224}, crop_pct=0.875).save_pretrained(folder)
    found = page("Hugging Face", folder=folder)
    model = found["model"].eval().requires_grad_(False)
    audit(lambda file: model(found["processor"](opened(file), return_tensors="pt")["pixel_values"]).logits[0])


def test_ultralytics(
    page: Callable[..., Any], audit: Callable[..., None], root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It would install what it misses.
    monkeypatch.setenv("YOLO_AUTOINSTALL", "false")
    ultralytics = pytest.importorskip("ultralytics")
    from ultralytics.data.augment import classify_transforms

    model = ultralytics.YOLO("yolov8n-cls.yaml", task="classify")
    model.model.names = {**model.model.names, **dict(enumerate(CLASSES))}
    transform = classify_transforms(224)
    photos = photos_of(root, tmp_path / "train", CLASSES)
    normalise_once(model.model, [transform(opened(file)) for file in photos.glob("*/*")])
    names = page("Ultralytics", model=model)
    network = model.model.eval().requires_grad_(False)
    audit(lambda file: network(transform(opened(file))[None])[1][0], model=str(names["file"]))


def normalise_once(network: Any, images: Sequence[Any]) -> None:
    """Without training the features of this network are 1e-7, and rounding errors are as large."""
    import torch

    for layer in network.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.momentum = 1.0
    with torch.no_grad():
        network.train()(torch.stack(list(images)))
    network.eval()


def test_keras(page: Callable[..., Any], audit: Callable[..., None]) -> None:
    pytest.importorskip("tensorflow")
    pytest.importorskip("tf2onnx")
    import keras

    keras.utils.set_random_seed(0)
    layers = keras.layers
    model = keras.Sequential([
        keras.Input((128, 160, 3)),
        layers.Rescaling(1 / 127.5, offset=-1),
        layers.Conv2D(8, 3, 4, activation="relu"),
        layers.Conv2D(16, 3, 2, activation="relu"),
        layers.GlobalAveragePooling2D(),
        layers.Dense(3),
    ])
    page("Keras", model=model)

    def logits(file: Path) -> Any:
        image = keras.utils.load_img(file, target_size=(128, 160))
        return model(keras.utils.img_to_array(image)[None])[0]

    audit(logits)
