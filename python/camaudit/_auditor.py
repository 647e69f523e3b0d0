"""Arrow batches of images to rows."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import _native, _toml
from ._error import Error

if TYPE_CHECKING:
    import pyarrow

# The presence columns that images need, and the function that measures them.
_Loaded = tuple[list[str], Callable[[list["_Image"]], dict[str, Any]]]
# An image as the extension takes it: path, bytes, label, split, group, boxes, flags.
_Image = tuple[str, "bytes | None", "str | None", "str | None", "str | None", "list[_Box]", "list[str]"]
_Box = tuple[str, float, float, float, float]


@dataclass(frozen=True)
class Measured:
    """The rows of a batch, with the columns of a run folder.

    ``images`` has one row per image and map, ``regions`` one per image, map and region, ``skipped`` one per image
    that could not be measured, and ``problems`` one per problem of the boxes.
    """

    images: pyarrow.Table
    regions: pyarrow.Table
    skipped: pyarrow.Table
    problems: pyarrow.Table


class Auditor:
    """Measures images that you bring, with a model that is loaded once.

    ``pipeline`` is a pipeline file and ``set`` overrides its keys (``__`` stands for a dot); of ``[dataset]`` only
    ``root``, ``labels``, ``box_coordinates`` and ``presence_column`` of its regions count, and ``[model] classes`` must be set.
    ``threads`` workers measure at the same time, 0 means one per core.

    Auditors of one process share a model where pipeline, model file and ``threads`` are the same, by their contents.
    After a fork, and when it is unpickled elsewhere, an auditor loads the model again with its next batch.
    """

    def __init__(self, pipeline: str | os.PathLike[str], *, threads: int = 0, **set: object) -> None:
        self._pipeline = os.path.abspath(pipeline)
        self._overrides = _toml.overrides(set)
        self._threads = threads
        self._pid = 0
        self._native()

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpickled, (self._pipeline, self._overrides, self._threads)

    def measure(self, batch: pyarrow.RecordBatch | pyarrow.Table) -> Measured:
        """Measure the images of a batch; the rows come in their order.

        Columns, of which ``path`` or ``image`` is needed, and any others are ignored:

        * ``path``: text; names the image, and its file where there are no bytes; relative to ``dataset.root``, or
          absolute
        * ``image``: binary, the bytes of the file, with ``path`` beside it; or a struct of ``bytes`` and ``path``, as
          Hugging Face's datasets have it
        * ``label``: text, the label in the dataset; ``split`` and ``group``: text
        * ``boxes``: a list of structs of ``category`` (text), ``xmin``, ``ymin``, ``xmax``, ``ymax`` (numbers): edges
          on the upright photo, in pixels or fractions as ``dataset.box_coordinates`` says
        * the columns that ``presence_column`` of the regions names: flags
        """
        presence_columns, measure = self._native()
        tables = measure(_images(batch, presence_columns))
        return Measured(**{name: _table(columns) for name, columns in tables.items()})

    def _native(self) -> _Loaded:
        pid = os.getpid()
        if self._pid != pid:
            key = (pid, self._threads, _native.content_key(self._pipeline, self._overrides))
            if key not in _loaded:
                _loaded[key] = _native.auditor(self._pipeline, self._overrides, self._threads)
            self._pid, self._in_process = pid, _loaded[key]
        return self._in_process


# By process id: threads do not outlive a fork.
_loaded: dict[tuple[int, int, str], _Loaded] = {}


def _unpickled(pipeline: str, overrides: list[str], threads: int) -> Auditor:
    auditor = Auditor.__new__(Auditor)
    auditor._pipeline, auditor._overrides, auditor._threads, auditor._pid = pipeline, overrides, threads, 0
    return auditor


def _images(batch: pyarrow.RecordBatch | pyarrow.Table, presence_columns: list[str]) -> list[_Image]:
    names = set(batch.schema.names)
    missing = [name for name in presence_columns if name not in names]
    if missing:
        raise Error(f"the batch has no column {missing[0]!r}, which presence_column of a region names")

    columns = {name: iter(batch.column(name).to_pylist()) for name in names & _COLUMNS.union(presence_columns)}
    images = []
    for _ in range(batch.num_rows):
        row = {name: next(cells) for name, cells in columns.items()}
        images.append(_image(row, presence_columns))
    return images


_COLUMNS = frozenset(("path", "image", "label", "split", "group", "boxes"))


def _image(row: dict[str, Any], presence_columns: list[str]) -> _Image:
    image = row.get("image")
    path = row.get("path")
    if isinstance(image, dict):
        path = path or image.get("path")
        image = image.get("bytes")
    if not path:
        raise Error("an image without a path: its path names it, also where its bytes are given")

    boxes = [_box(box) for box in row.get("boxes") or ()]
    flags = [name for name in presence_columns if row[name]]
    return path, image, row.get("label"), row.get("split"), row.get("group"), boxes, flags


def _box(box: dict[str, Any]) -> _Box:
    return box["category"], *(float("nan") if box[edge] is None else box[edge] for edge in _EDGES)


_EDGES = ("xmin", "ymin", "xmax", "ymax")


def _table(columns: list[tuple[str, str, Any]]) -> pyarrow.Table:
    import pyarrow

    return pyarrow.table({name: _column(kind, values) for name, kind, values in columns})


def _column(kind: str, values: Any) -> pyarrow.Array:
    import pyarrow

    if kind in ("floats", "counts"):
        return _lists(pyarrow.float32() if kind == "floats" else pyarrow.uint32(), *values)
    types = {"text": pyarrow.string(), "number": pyarrow.float64(), "count": pyarrow.uint32(), "flag": pyarrow.bool_()}
    return pyarrow.array(values, types[kind])


def _lists(type: pyarrow.DataType, lengths: list[int], bytes: bytes) -> pyarrow.Array:
    import pyarrow

    offsets = list(_sums(lengths))
    values = pyarrow.Array.from_buffers(type, offsets[-1], [None, pyarrow.py_buffer(bytes)])
    return pyarrow.ListArray.from_arrays(pyarrow.array(offsets, pyarrow.int32()), values)


def _sums(lengths: list[int]) -> Iterator[int]:
    total = 0
    yield total
    for length in lengths:
        total += length
        yield total
