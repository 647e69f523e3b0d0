"""The first half of a run on a Ray cluster: ``python -m camaudit.ray PIPELINE --out DIR``.

The driver reads the dataset's plan and its annotations and writes the shards of the run into the run folder. Each
shard is a task of Ray Data's ``map_batches``. What the tasks return comes through Ray's object store in the order of
the shards, and the driver puts it into the run folder, which ``camaudit conclude`` finishes. The rows have the same
bytes as those of ``camaudit run`` on one machine.

Driver and workers must see the folder of the reports, the pipeline file, the model and the photos under the same
paths, and have the same version of this package.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from . import _cluster, _toml

if TYPE_CHECKING:
    import pyarrow


def measure(
    pipeline: str | os.PathLike[str],
    *,
    out: str | os.PathLike[str] | None = None,
    threads: int = 1,
    **set: object,
) -> Path:
    """Measure a dataset on the cluster that ``ray.init`` has connected to, and return the run folder, for ``conclude``.

    ``threads`` is the number of workers in each task, which takes as many cores of the cluster. ``out`` is the folder
    of the reports, and ``set`` overrides keys of the pipeline, as of :func:`camaudit.run`. Where nothing is connected,
    Ray starts on this machine.
    """
    return _measure(os.fspath(pipeline), _toml.overrides(set), out, threads)


def _measure(pipeline: str, overrides: list[str], out: str | os.PathLike[str] | None, threads: int) -> Path:
    def distribute(folder: Path, count: int) -> Iterator[bytes]:
        return _shards(folder, count, threads)

    return _cluster.measure(pipeline, overrides, out, distribute)


def _shards(folder: Path, count: int, threads: int) -> Iterator[bytes]:
    """Have all shards measured; yield them in their order."""
    import ray.data

    if count == 0:
        return
    shards = ray.data.range(count, override_num_blocks=count)
    shards.context.execution_options.preserve_order = True
    task = _on_tables(_cluster.task(folder, threads))
    tasks = shards.map_batches(task, batch_size=1, batch_format="pyarrow", num_cpus=max(threads, 1))
    for batch in tasks.iter_batches(batch_size=1, batch_format="pyarrow"):
        yield batch["measured"][0].as_py()


def _on_tables(task: _cluster.Task) -> Callable[[pyarrow.Table], pyarrow.Table]:
    """The same for the tables that Ray's tasks get and return."""

    def measure(shards: pyarrow.Table) -> pyarrow.Table:
        import pyarrow

        return pyarrow.Table.from_batches(task(shards.to_batches()))

    return measure


def main(arguments: list[str] | None = None) -> int:
    """Run the program; return its exit code, 2 where the dataset cannot be measured."""
    return _cluster.command("Ray", arguments, _start)


def _start(given: argparse.Namespace) -> Path:
    return _measure(given.pipeline, given.set, given.out, given.threads)


if __name__ == "__main__":
    sys.exit(main())
