"""The program, called from Python."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

from . import _toml
from ._error import Error
from ._results import Run


def run(
    pipeline: str | os.PathLike[str],
    *,
    out: str | os.PathLike[str] | None = None,
    **set: object,
) -> Run:
    """Audit a dataset as a pipeline file describes, and open the finished run.

    ``set`` overrides keys of the pipeline, where ``__`` stands for a dot: ``run("horses.toml", run__limit=10)``, or
    ``run("horses.toml", **{"run.limit": 10})``. ``out`` is the folder of the reports. Warnings of the program are
    Python warnings. Raises :class:`camaudit.Error` with the program's message where it ends with code 2 or 3.
    """
    command = [sys.executable, "-m", "camaudit", "run", os.fspath(pipeline), "--log", "json"]
    if out is not None:
        command += ["--out", os.fspath(out)]
    for override in _toml.overrides(set):
        command += ["--set", override]

    code, ending, plain = _call(command)
    if ending.get("event") != "finish":
        message = ending.get("message") or "\n".join(plain) or "the program ended without a message"
        raise Error(str(message), code)
    folder = Path(ending["folder"])
    if code == 3:
        raise Error(str(ending["message"]), code, folder.resolve())
    return Run(folder)


def _call(command: list[str]) -> tuple[int, dict[str, Any], list[str]]:
    """Run the program; return its exit code, its last event, and what it wrote beside events."""
    ending: dict[str, Any] = {}
    plain: list[str] = []
    pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, encoding="utf-8", errors="replace", **pipes) as program:  # type: ignore[call-overload]
        for line in program.stderr:
            event = _event(line)
            if event is None:
                plain.append(line.rstrip())
            elif event["event"] == "warning":
                warnings.warn(event["message"], RuntimeWarning, stacklevel=3)
            elif event["event"] in ("finish", "error"):
                ending = event
    return program.returncode, ending, plain


def _event(line: str) -> dict[str, Any] | None:
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and "event" in event else None
