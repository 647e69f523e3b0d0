"""The first half of a run on Spark."""

from __future__ import annotations

import functools
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import camaudit
import pytest
from cluster_runs import check_command, check_cut_off_image, concluded, files

pytest.importorskip("pyspark", reason="pyspark is not installed")
from pyspark import cloudpickle  # noqa: E402

if shutil.which("java") is None:
    pytest.skip("Java is not installed", allow_module_level=True)

# Executors cannot import the tests.
cloudpickle.register_pickle_by_value(sys.modules[__name__])

SUBMIT = "--conf spark.driver.bindAddress=127.0.0.1 --conf spark.ui.enabled=false --conf spark.executor.memory=1g"


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    """Two executors, each a process of its own, on the loopback."""
    from pyspark.sql import SparkSession

    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    os.environ["PYSPARK_PYTHON"] = sys.executable
    os.environ["PYSPARK_SUBMIT_ARGS"] = f"--master local-cluster[2,1,1024] {SUBMIT} pyspark-shell"
    session = SparkSession.builder.appName("camaudit-test").getOrCreate()
    yield session
    session.stop()


def test_a_cluster_gives_the_files_of_one_machine(
    spark: Any, demo: Path, demo_run: camaudit.Run, tmp_path: Path
) -> None:
    from camaudit.spark import measure

    folder = measure(spark, demo, out=tmp_path, threads=1, run__shard_size=64)
    assert not (folder / "shards").exists()
    assert files(concluded(folder)) == files(demo_run)
    assert demo_run.record["content_fingerprint"] == camaudit.open(folder).record["content_fingerprint"]


@pytest.mark.filterwarnings("ignore:no region has presence")
def test_an_image_that_is_cut_off_is_one_skip(
    spark: Any, root: Path, tmp_path: Path, write_pipeline: Callable[..., Path]
) -> None:
    from camaudit.spark import measure

    check_cut_off_image(functools.partial(measure, spark), root, tmp_path, write_pipeline)


def test_executors_that_are_killed_change_nothing(
    spark: Any, demo: Path, demo_run: camaudit.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The JVM that measures a shard is killed, and so is the one that measures it next."""
    from camaudit import _cluster
    from camaudit.spark import measure as measure_on_spark

    notes = [tmp_path / "first-killed", tmp_path / "second-killed"]
    honest = _cluster.task

    def deadly(folder: Path, threads: int) -> Any:
        task = honest(folder, threads)
        left = [str(note) for note in notes]

        def measure(batches: Any) -> Any:
            for measured in task(batches):
                note = next((note for note in left if not os.path.exists(note)), None)
                if note and measured.column("shard")[0].as_py() == 3:
                    _kill_executor(note)
                yield measured

        return measure

    monkeypatch.setattr(_cluster, "task", deadly)
    folder = measure_on_spark(spark, demo, out=tmp_path / "reports", threads=1, run__shard_size=64)
    killed = [note.read_text() for note in notes]
    assert all("CoarseGrainedExecutorBackend" in command for command in killed)
    assert killed[0] != killed[1], "one executor was noted twice"
    assert files(concluded(folder)) == files(demo_run)


def _kill_executor(note: str) -> None:
    """Kill the JVM above this Python worker: its parent is the daemon, and that one's is the executor. Note its command."""
    import signal
    import time

    with open(f"/proc/{os.getppid()}/stat") as daemon:
        executor = int(daemon.read().rsplit(")", 1)[1].split()[1])
    with open(f"/proc/{executor}/cmdline") as command, open(note, "x") as noted:
        noted.write(command.read())
    os.kill(executor, signal.SIGKILL)
    time.sleep(30)


def test_a_model_that_cannot_be_used_is_an_error(spark: Any, demo: Path, tmp_path: Path) -> None:
    from camaudit.spark import measure

    with pytest.raises(camaudit.Error, match="nowhere.onnx"):
        measure(spark, demo, out=tmp_path, model__path="nowhere.onnx")


def test_the_command(demo: Path, tmp_path: Path, spark: Any) -> None:
    spark.stop()
    environment = {**os.environ, "PYSPARK_SUBMIT_ARGS": f"--master local[2] {SUBMIT} pyspark-shell"}
    check_command("camaudit.spark", demo, tmp_path, environment)
