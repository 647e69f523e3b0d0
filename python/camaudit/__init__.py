"""Audits labeled image datasets for Clever-Hans shortcuts with class activation maps.

``camaudit.run(pipeline)`` audits a dataset, ``camaudit.open(folder)`` reads the folder of a run, and
``camaudit.Auditor`` measures Arrow batches of images. ``camaudit.export`` writes PyTorch models as ONNX,
``python -m camaudit.spark`` and ``python -m camaudit.ray`` measure on a cluster, and ``python -m camaudit`` is the
program.
"""

from __future__ import annotations

from . import _native
from ._auditor import Auditor, Measured
from ._error import Error
from ._results import Run, open_run
from ._running import run

open = open_run

__version__: str = _native.VERSION
__all__ = ["Auditor", "Error", "Measured", "Run", "open", "run", "__version__"]
