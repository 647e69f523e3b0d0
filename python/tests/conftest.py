"""Runs that several tests look at, and the files of the project."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import camaudit
import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def root() -> Path:
    """The folder of the project."""
    return ROOT


@pytest.fixture(scope="session")
def demo() -> Path:
    """A pipeline of 400 images with boxes."""
    return ROOT / "pipelines" / "demo.toml"


@pytest.fixture(scope="session")
def demo_run(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> camaudit.Run:
    """The demo, audited by one process."""
    return camaudit.run(demo, out=tmp_path_factory.mktemp("reports"), run__shard_size=64)


@pytest.fixture
def write_pipeline(tmp_path: Path) -> Callable[..., Path]:
    """Writes a pipeline like that of the demo over another folder of images."""

    def write(images: Path, more: str = "") -> Path:
        file = tmp_path / "pipeline.toml"
        models = ROOT / "fixtures" / "models"
        file.write_text(
            f'[dataset]\nroot = "{images}"\n'
            f'[model]\npath = "{models}/shortcut.onnx"\nclasses = "{models}/classes.txt"\n'
            f'[preprocess]\npreset = "zero-one"\nsize = 64\n'
            f'[[region]]\nname = "bottom-left"\ncorner = {{ at = "bottom-left", width = 0.35, height = 0.2 }}\n{more}'
        )
        return file

    return write
