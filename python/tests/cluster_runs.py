"""What the tests of the clusters compare."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import camaudit


def concluded(folder: Path) -> camaudit.Run:
    """The second half of a run."""
    subprocess.run([sys.executable, "-m", "camaudit", "conclude", folder, "--quiet"], check=True, capture_output=True)
    return camaudit.open(folder)


def files(run: camaudit.Run) -> dict[str, str]:
    """The hash of every Parquet file and of the summary."""
    names = [*run.folder.rglob("*.parquet"), run.folder / "summary.json"]
    return {str(file.relative_to(run.folder)): hashlib.sha256(file.read_bytes()).hexdigest() for file in names}


def check_cut_off_image(
    measure: Callable[..., Path], root: Path, folder: Path, write_pipeline: Callable[..., Path]
) -> None:
    """One of 36 photos is cut off: it is one skip, and the files are those of one machine."""
    images = folder / "images"
    for label in ("boat", "car", "horse"):
        shutil.copytree(root / "fixtures" / "horses" / label, images / label, ignore=lambda _, names: sorted(names)[12:])
    photo = images / "horse" / "horse005.jpg"
    photo.write_bytes(photo.read_bytes()[:700])

    pipeline = write_pipeline(images, "[run]\nshard_size = 8\nmax_skipped = 0.5\n")
    run = concluded(measure(pipeline, out=folder / "cluster"))
    assert run.skipped["path"].to_list() == ["horse/horse005.jpg"]
    assert run.record["counts"]["scored"] == 35
    assert files(run) == files(camaudit.run(pipeline, out=folder / "single"))


def check_command(module: str, pipeline: Path, out: Path, environment: dict[str, str]) -> None:
    """The command line of a cluster: the run folder and the next command, or an error that names the key."""
    command = [sys.executable, "-m", module, pipeline, "--out", out, "--set", "run.limit=4"]
    shown = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert shown.returncode == 0, shown.stderr
    folder = Path(shown.stdout.splitlines()[0])
    assert (folder / "measured.json").is_file()
    assert shown.stdout.splitlines()[1] == f"next: camaudit conclude {folder}"

    refused = subprocess.run([*command, "--set", "run.limits=4"], capture_output=True, text=True, env=environment)
    assert refused.returncode == 2
    assert "run.limits" in refused.stderr
