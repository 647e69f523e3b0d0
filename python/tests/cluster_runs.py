"""What the tests of the clusters compare."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
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


def poisoned_set(root: Path, images: Path) -> str:
    """36 photos, of which one is cut off; returns its path."""
    for label in ("boat", "car", "horse"):
        shutil.copytree(root / "fixtures" / "horses" / label, images / label, ignore=lambda _, names: sorted(names)[12:])
    poisoned = images / "horse" / "horse005.jpg"
    poisoned.write_bytes(poisoned.read_bytes()[:700])
    return "horse/horse005.jpg"
