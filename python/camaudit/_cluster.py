"""What the engines of :mod:`camaudit.spark` and :mod:`camaudit.ray` share.

The driver reads the dataset's plan and its annotations and writes the shards of the run into the run folder. An
engine has each shard measured once, and returns the rows in the order of the shards. The driver then writes the
parts of the run folder.
"""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from . import _native
from ._error import Error

if TYPE_CHECKING:
    import pyarrow

# Has the shards of a folder measured: `distribute(folder, count)` yields the rows of each, in their order.
Distribute = Callable[[Path, int], Iterable[bytes]]
# What an executor does with its shards.
Task = Callable[[Iterable["pyarrow.RecordBatch"]], Iterator["pyarrow.RecordBatch"]]


def measure(
    pipeline: str,
    overrides: list[str],
    out: str | os.PathLike[str] | None,
    distribute: Distribute,
) -> Path:
    """Write a run folder without its second half, and return it."""

    def measured(folder: os.PathLike[str], count: int) -> Iterable[bytes]:
        return distribute(Path(folder).resolve(), count)

    def warn(message: str) -> None:
        warnings.warn(message, RuntimeWarning, stacklevel=2)

    reports = None if out is None else os.fspath(out)
    return Path(_native.measure_shards(pipeline, overrides, reports, measured, warn))


def task(folder: Path, threads: int) -> Task:
    """Measure the shards of the column ``id``, and yield a row of ``shard`` and ``measured`` for each."""

    def measure(batches: Iterable[pyarrow.RecordBatch]) -> Iterator[pyarrow.RecordBatch]:
        import pyarrow

        from camaudit._cluster import worker

        for batch in batches:
            for shard in batch.column("id").to_pylist():
                measured = worker(folder, threads)(shard)
                columns = {"shard": pyarrow.array([shard], pyarrow.int64()), "measured": pyarrow.array([measured])}
                yield pyarrow.RecordBatch.from_pydict(columns)

    return measure


# By process id: Spark forks its Python workers, and threads do not outlive a fork.
_workers: dict[tuple[int, Path, int], Callable[[int], bytes]] = {}


def worker(folder: Path, threads: int) -> Callable[[int], bytes]:
    """Return the function that measures one shard; its model is loaded once per process."""
    key = (os.getpid(), folder, threads)
    if key not in _workers:
        _workers[key] = _native.shard_worker(str(folder), threads)
    return _workers[key]


def command(
    engine: str,
    arguments: list[str] | None,
    start: Callable[[argparse.Namespace], Path],
) -> int:
    """Run the program of an engine; return its exit code, 2 where the dataset cannot be measured."""
    parser = argparse.ArgumentParser(
        f"python -m camaudit.{engine.lower()}", description=f"Measure a dataset on a {engine} cluster."
    )
    parser.add_argument("pipeline", help="pipeline file (TOML)")
    parser.add_argument("--out", help="folder of the reports, which all machines see [default: run.out, else reports]")
    parser.add_argument("--threads", type=int, default=1, help="workers in each task [default: 1]")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="override a key; may be repeated")
    given = parser.parse_args(arguments)

    try:
        folder = start(given)
    except Error as e:
        print(f"camaudit: {e}", file=sys.stderr)
        return 2
    print(f"{folder}\nnext: camaudit conclude {folder}")
    return 0
