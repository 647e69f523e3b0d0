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
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from . import _cluster, _toml
from ._error import Error

if TYPE_CHECKING:
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
    def distribute(folder: Path, count: int) -> Iterator[bytes]:
        return _shards(spark, folder, count, threads)

    return _cluster.measure(pipeline, overrides, out, distribute)


def _shards(spark: SparkSession, folder: Path, count: int, threads: int) -> Iterator[bytes]:
    """Have all shards measured; yield them in their order."""
    import pyarrow.parquet

    measured = folder / "measured"
    shards = spark.range(0, count, 1, numPartitions=max(count, 1))
    tasks = shards.mapInArrow(_cluster.task(folder, threads), SCHEMA)
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


def main(arguments: list[str] | None = None) -> int:
    """Run the program; return its exit code, 2 where the dataset cannot be measured."""
    return _cluster.command("Spark", arguments, _start)


def _start(given: argparse.Namespace) -> Path:
    from pyspark.sql import SparkSession

    spark = SparkSession.builder.appName("camaudit").getOrCreate()
    try:
        return _measure(spark, given.pipeline, given.set, given.out, given.threads)
    finally:
        spark.stop()


if __name__ == "__main__":
    sys.exit(main())
