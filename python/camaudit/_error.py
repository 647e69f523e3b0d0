"""The error of the package."""

from __future__ import annotations

from pathlib import Path


class Error(Exception):
    """What the program says when it cannot do what it is asked to.

    ``exit_code`` is that of the program: 2 for a pipeline, model, dataset or file that cannot be used, 3 for a
    dataset of which more images were skipped than ``run.max_skipped`` allows. In the second case the run is
    finished, and ``folder`` is its folder.
    """

    def __init__(self, message: str, exit_code: int = 2, folder: Path | None = None) -> None:
        super().__init__(message)
        self.exit_code = exit_code
        self.folder = folder
