"""The first half of a run on a Spark cluster: ``python -m camaudit.spark PIPELINE --out DIR``.

The driver reads the dataset's plan and its annotations and writes the shards of the run into the run folder. Each
shard is a task, ``mapInArrow`` measures it, and Spark's own commit protocol keeps the rows of one attempt for each.
The driver then puts them into the run folder, which ``camaudit conclude`` finishes. The rows have the same bytes as
those of ``camaudit run`` on one machine.

Driver and executors must see the folder of the reports, the pipeline file, the model and the photos under the same
paths, and have the same version of this package.
"""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from . import _native, _toml
from ._error import Error

if TYPE_CHECKING:
    import pyarrow
    from pyspark.sql import SparkSession

SCHEMA = "shard long, measured binary"


def measure(
    spark: SparkSession,
    pipeline: str | os.PathLike[str],
    *,
    out: str | os.PathLike[str] | None = None,
    threads: int = 1,
    **set: object,
) -> Path:
    """Measure a dataset on a cluster and return the run folder, for ``camaudit conclude``.

    ``threads`` is the number of workers in each task; Spark starts as many tasks at once as its executors have cores.
    ``out`` is the folder of the reports, and ``set`` overrides keys of the pipeline, as of :func:`camaudit.run`.
    """

    return _measure(spark, os.fspath(pipeline), _toml.overrides(set), out, threads)


def _measure(
    spark: SparkSession,
    pipeline: str,
    overrides: list[str],
    out: str | os.PathLike[str] | None,
    threads: int,
) -> Path:
    def distribute(folder: os.PathLike[str], count: int) -> Iterable[bytes]:
        return _measure_shards(spark, Path(folder).resolve(), count, threads)

    def warn(message: str) -> None:
        warnings.warn(message, RuntimeWarning, stacklevel=2)

    reports = None if out is None else os.fspath(out)
    return Path(_native.measure_shards(pipeline, overrides, reports, distribute, warn))


def _measure_shards(spark: SparkSession, folder: Path, count: int, threads: int) -> Iterator[bytes]:
    """Have all shards measured; yield them in their order."""
    import pyarrow.parquet

    measured = folder / "measured"
    shards = spark.range(0, count, 1, numPartitions=max(count, 1))
    tasks = shards.mapInArrow(_task(str(folder), threads), SCHEMA)
    tasks.write.mode("overwrite").parquet(measured.as_uri())

    files = {}
    for file in measured.glob("part-*.parquet"):
        for shard in pyarrow.parquet.read_table(file, columns=["shard"])["shard"].to_pylist():
            files[shard] = file
    for shard in range(count):
        if shard not in files:
            raise Error(f"Spark wrote no rows of shard {shard}: do all executors see {folder}?")
        table = pyarrow.parquet.read_table(files[shard], filters=[("shard", "=", shard)])
        yield table["measured"][0].as_py()


def _task(folder: str, threads: int) -> Callable[[Iterable[pyarrow.RecordBatch]], Iterator[pyarrow.RecordBatch]]:
    """What an executor does with its shards."""

    def measure(batches: Iterable[pyarrow.RecordBatch]) -> Iterator[pyarrow.RecordBatch]:
        import pyarrow

        from camaudit.spark import _worker

        for batch in batches:
            for shard in batch.column("id").to_pylist():
                measured = _worker(folder, threads)(shard)
                columns = {"shard": pyarrow.array([shard], pyarrow.int64()), "measured": pyarrow.array([measured])}
                yield pyarrow.RecordBatch.from_pydict(columns)

    return measure


# By process id: Spark forks its Python workers, and threads do not outlive a fork.
_workers: dict[tuple[int, str, int], Callable[[int], bytes]] = {}


def _worker(folder: str, threads: int) -> Callable[[int], bytes]:
    key = (os.getpid(), folder, threads)
    if key not in _workers:
        _workers[key] = _native.shard_worker(folder, threads)
    return _workers[key]


def main(arguments: list[str] | None = None) -> int:
    """Run the program; return its exit code, 2 where the dataset cannot be measured."""
    parser = argparse.ArgumentParser("python -m camaudit.spark", description="Measure a dataset on a Spark cluster.")
    parser.add_argument("pipeline", help="pipeline file (TOML)")
    parser.add_argument("--out", help="folder of the reports, which all machines see [default: run.out, else reports]")
    parser.add_argument("--threads", type=int, default=1, help="workers in each task [default: 1]")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="override a key; may be repeated")
    given = parser.parse_args(arguments)

    from pyspark.sql import SparkSession

    spark = SparkSession.builder.appName("camaudit").getOrCreate()
    try:
        folder = _measure(spark, given.pipeline, given.set, given.out, given.threads)
    except Error as e:
        print(f"camaudit: {e}", file=sys.stderr)
        return 2
    finally:
        spark.stop()
    print(f"{folder}\nnext: camaudit conclude {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
