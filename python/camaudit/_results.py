"""The folder of a finished run."""

from __future__ import annotations

import json
import os
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import _frames, _native
from ._error import Error

if TYPE_CHECKING:
    import numpy
    import numpy.typing

    from ._frames import Frame


class Run:
    """A finished run. Tables are read when they are first asked for.

    They are frames of polars, or of pandas where polars is not installed, with the columns of
    ``reports/README.md``: fractions go from 0 to 1, heat and contributions are in logits, sizes in pixels. For a
    large run scan the files instead: ``polars.scan_parquet(run.folder / "images/*.parquet")``.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder: Path = _run_folder(Path(folder))
        self.record: dict[str, Any] = _document(self.folder, "run.json")

    def __repr__(self) -> str:
        return f"camaudit.open({str(self.folder)!r})"

    @cached_property
    def summary(self) -> dict[str, Any]:
        """Counts, accuracy, warnings and the findings that the report shows (``summary.json``)."""
        return _document(self.folder, "summary.json")

    @property
    def report(self) -> Path:
        """The report for people: one HTML file that opens offline."""
        return self.folder / "report.html"

    @cached_property
    def findings(self) -> Frame:
        """One row per label and region (and per label for overlays and surroundings), the most serious first."""
        return self._table("findings")

    @cached_property
    def classes(self) -> Frame:
        """One row per label and region: means over the maps of the label."""
        return self._table("classes")

    @cached_property
    def images(self) -> Frame:
        """One row per image and map.

        ``cam`` is the signed map in logits, row by row, ``cam_height`` times ``cam_width`` numbers. ``file`` is
        added: the absolute path of the photo, null where it lies in a tar or Parquet file, or where the pipeline
        file that the run was started with cannot be read any more.
        """
        images = self._parts("images")
        root = self.root
        paths = _frames.column(images, "path")
        files = [None if root is None else str(root / path) for path in paths]
        return _frames.with_column(images, "file", files)

    @cached_property
    def regions(self) -> Frame:
        """One row per image, map and region."""
        return self._parts("regions")

    @cached_property
    def skipped(self) -> Frame:
        """One row per image that was found and could not be scored, with stage, reason and message."""
        return self._table("skipped")

    @cached_property
    def problems(self) -> Frame:
        """One row per problem of the annotations."""
        return self._table("problems")

    @cached_property
    def root(self) -> Path | None:
        """The absolute folder that ``path`` of ``images`` is relative to; None where it holds no image files."""
        file = Path(self.record["pipeline_file"])
        try:
            root = _native.image_root(str(file), self.record["overrides"])
        except Error:
            return None
        return None if root is None else Path(root).resolve()

    def heatmap(self, image_id: str, target: str = "label") -> numpy.typing.NDArray[numpy.float32]:
        """Return the class activation map of an image.

        Shape ``(cam_height, cam_width)``, float32, in logits and signed: positive cells speak for the class, and
        mean plus ``bias`` is the logit. It lies over the model's input, that is over the photo after resizing and
        cropping. ``target`` is ``"label"``, ``"predicted"`` (the map of the label where both are one class) or
        ``"baseline"``; of several maps for comparison the first is returned.
        """
        import numpy

        maps = self._maps
        key = (image_id, target)
        if key not in maps and target == "predicted":
            key = (image_id, "label")
        if key not in maps:
            raise KeyError(f"{self.folder}: no {target!r} map of the image {image_id!r}")

        height, width, cells = maps[key]
        return numpy.asarray(cells, dtype=numpy.float32).reshape(height, width)

    @cached_property
    def _maps(self) -> dict[tuple[str, str], tuple[int, int, Any]]:
        names = ["image_id", "target", "cam_height", "cam_width", "cam"]
        columns = [_frames.column(self.images, name) for name in names]
        maps: dict[tuple[str, str], tuple[int, int, Any]] = {}
        for image_id, target, height, width, cells in zip(*columns):
            maps.setdefault((image_id, target), (height, width, cells))
        return maps

    def _table(self, name: str) -> Frame:
        return _frames.read([self.folder / f"{name}.parquet"])

    def _parts(self, name: str) -> Frame:
        parts = sorted((self.folder / name).glob("part-*.parquet"))
        if not parts:
            raise Error(f"{self.folder / name} has no part files: the run is not complete")
        return _frames.read(parts)


def open_run(folder: str | os.PathLike[str]) -> Run:
    """Open the folder of a finished run, as ``reports/horses/latest``."""
    return Run(folder)


def _run_folder(path: Path) -> Path:
    """Return the absolute folder; follow ``latest``, which is a file where the file system has no links."""
    if path.name == "latest" and path.is_file():
        path = path.with_name(path.read_text().strip())
    if not path.is_dir():
        raise Error(f"{path}: no such run folder")
    return path.resolve()


def _document(folder: Path, name: str) -> dict[str, Any]:
    file = folder / name
    try:
        document: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise Error(f"{folder} has no {name}: it is not the folder of a finished run") from None
    except ValueError as e:
        raise Error(f"{file} is not JSON: {e}") from None

    version = document.get("schema_version")
    if version != _native.SCHEMA_VERSION:
        raise Error(f"{file} has schema version {version}, and this camaudit reads {_native.SCHEMA_VERSION}")
    return document
