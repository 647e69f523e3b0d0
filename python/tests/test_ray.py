"""The first half of a run on Ray. Ray listens on all interfaces, so that it is started only where there are none but the
loopback: ``make ray`` makes such a network namespace."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import camaudit
import pytest
from cluster_runs import concluded, files, poisoned_set

ray = pytest.importorskip("ray", reason="ray is not installed")
pytest.importorskip("ray.data", reason="what ray.data needs is not installed")

if [name for _, name in socket.if_nameindex()] != ["lo"]:
    pytest.skip("Ray is started in a network namespace only: make ray", allow_module_level=True)

# Workers cannot import the tests.
ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Two worker processes."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    # Its token would be written to the home folder.
    os.environ["RAY_AUTH_MODE"] = "disabled"
    # Paths of its sockets must be short.
    folder = Path("/tmp") / f"ray-{os.getpid()}"
    ray.init(address="local", num_cpus=2, include_dashboard=False, object_store_memory=200 << 20, _temp_dir=str(folder))
    yield
    ray.shutdown()
    shutil.rmtree(folder, ignore_errors=True)


def test_a_cluster_gives_the_files_of_one_machine(
    cluster: None, demo: Path, demo_run: camaudit.Run, tmp_path: Path
) -> None:
    from camaudit.ray import measure

    folder = measure(demo, out=tmp_path, threads=1, run__shard_size=64)
    assert not (folder / "shards").exists()
    assert files(concluded(folder)) == files(demo_run)
    assert demo_run.record["content_fingerprint"] == camaudit.open(folder).record["content_fingerprint"]


@pytest.mark.filterwarnings("ignore:no region has presence")
def test_a_poisoned_image_is_one_skip(
    cluster: None, root: Path, tmp_path: Path, write_pipeline: Callable[..., Path]
) -> None:
    from camaudit.ray import measure

    images = tmp_path / "images"
    poisoned = poisoned_set(root, images)
    pipeline = write_pipeline(images, "[run]\nshard_size = 8\nmax_skipped = 0.5\n")
    run = concluded(measure(pipeline, out=tmp_path / "cluster"))
    assert run.skipped["path"].to_list() == [poisoned]
    assert run.record["counts"]["scored"] == 35
    assert files(run) == files(camaudit.run(pipeline, out=tmp_path / "single"))


def test_a_worker_that_is_killed_changes_nothing(
    cluster: None, demo: Path, demo_run: camaudit.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from camaudit import _cluster
    from camaudit.ray import measure

    once = tmp_path / "killed"
    honest = _cluster.task

    def deadly(folder: Path, threads: int) -> Any:
        task = honest(folder, threads)
        marker = str(once)

        def measure(batches: Any) -> Any:
            measured = list(task(batches))
            if not os.path.exists(marker):
                open(marker, "x").close()
                os.kill(os.getpid(), signal.SIGKILL)
            return measured

        return measure

    monkeypatch.setattr(_cluster, "task", deadly)
    folder = measure(demo, out=tmp_path / "reports", threads=1, run__shard_size=64)
    assert once.exists()
    assert files(concluded(folder)) == files(demo_run)


def test_what_cannot_be_measured_is_an_error(
    cluster: None, demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from camaudit import _cluster
    from camaudit.ray import measure

    with pytest.raises(camaudit.Error, match="nowhere.onnx"):
        measure(demo, out=tmp_path, model__path="nowhere.onnx")

    honest = _cluster.task
    monkeypatch.setattr(_cluster, "task", lambda _, threads: honest(tmp_path / "unseen", threads))
    with pytest.raises(camaudit.Error, match="unseen/job"):
        measure(demo, out=tmp_path, run__limit=4)


def test_the_command(cluster: None, demo: Path, tmp_path: Path) -> None:
    ray.shutdown()
    command = [sys.executable, "-m", "camaudit.ray", demo, "--out", tmp_path, "--set", "run.limit=4"]
    shown = subprocess.run(command, capture_output=True, text=True)
    assert shown.returncode == 0, shown.stderr
    folder = Path(shown.stdout.splitlines()[0])
    assert (folder / "measured.json").is_file()
    assert shown.stdout.splitlines()[1] == f"next: camaudit conclude {folder}"

    refused = subprocess.run([*command, "--set", "run.limits=4"], capture_output=True, text=True)
    assert refused.returncode == 2
    assert "run.limits" in refused.stderr
