"""The first half of a run on Ray. Ray listens on all interfaces, so that it is started only where there are none but the
loopback: ``make ray`` makes such a network namespace."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import camaudit
import pytest
from cluster_runs import check_command, check_cut_off_image, concluded, files

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
def test_an_image_that_is_cut_off_is_one_skip(
    cluster: None, root: Path, tmp_path: Path, write_pipeline: Callable[..., Path]
) -> None:
    from camaudit.ray import measure

    check_cut_off_image(measure, root, tmp_path, write_pipeline)


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
    check_command("camaudit.ray", demo, tmp_path, dict(os.environ))
