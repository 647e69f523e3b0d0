"""The package as it is installed."""

from __future__ import annotations

import platform
import re
import subprocess
import sys
import zlib
from importlib.metadata import distribution
from pathlib import Path

import camaudit
import pytest


def test_the_command_is_the_program() -> None:
    command = Path(sys.executable).with_name("camaudit")
    shown = subprocess.run([command, "--version"], capture_output=True, text=True, check=True)
    assert shown.stdout == f"camaudit {camaudit.__version__}\n"
    assert distribution("camaudit").version == camaudit.__version__


def test_a_wrong_command_line_ends_with_2() -> None:
    called = subprocess.run([sys.executable, "-m", "camaudit", "rum"], capture_output=True, text=True)
    assert called.returncode == 2
    assert "unrecognized subcommand 'rum'" in called.stderr


def test_the_wheel_fits_any_python_from_3_10_and_old_systems() -> None:
    wheel = distribution("camaudit").read_text("WHEEL")
    assert wheel is not None
    # Elsewhere it is linked with the C library of the machine that builds it.
    system = "manylinux_2_17_x86_64" if platform.machine() == "x86_64" else "manylinux_"
    assert re.search(f"^Tag: cp310-abi3-{system}", wheel, re.M), wheel


def test_the_wheel_is_small() -> None:
    files = distribution("camaudit").files or []
    packed = sum(len(zlib.compress(Path(str(file.locate())).read_bytes())) for file in files if file.name.endswith(".so"))
    assert 1_000_000 < packed < 40_000_000


def test_the_wheel_lists_what_is_in_it() -> None:
    files = [str(file) for file in distribution("camaudit").files or []]
    assert "camaudit/py.typed" in files
    bill = [file for file in files if file.endswith(".cyclonedx.json")]
    assert bill, files
    text = Path(str(distribution("camaudit").locate_file(bill[0]))).read_text()
    assert "tract-onnx" in text


def test_types(root: Path, tmp_path: Path) -> None:
    mypy = pytest.importorskip("mypy.api")
    user = tmp_path / "user.py"
    user.write_text(
        "from pathlib import Path\n"
        "import numpy, polars\n"
        "import camaudit\n"
        "run = camaudit.run('demo.toml', run__limit=10)\n"
        "table: polars.DataFrame = run.findings\n"
        "report: Path = run.report\n"
        "cells = run.heatmap('id').astype(numpy.float64)\n"
        "auditor = camaudit.Auditor('demo.toml', threads=2)\n"
        "run.no_such_attribute\n"
    )
    arguments = ["--strict", "--cache-dir", str(tmp_path / "cache"), str(user)]
    said, errors, _ = mypy.run(arguments)
    assert errors == ""
    assert said.splitlines()[:-1] == [f'{user}:9: error: "Run" has no attribute "no_such_attribute"  [attr-defined]']

    config = ["--config-file", str(root / "python" / "pyproject.toml"), "--cache-dir", str(tmp_path / "cache")]
    said, errors, code = mypy.run([*config, "-p", "camaudit"])
    assert code == 0, said + errors
