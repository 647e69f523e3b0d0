"""Parquet files as data frames, of polars or, where that is not installed, of pandas."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from ._error import Error

if TYPE_CHECKING:
    import polars

    # At run time a pandas.DataFrame where polars is not installed.
    Frame: TypeAlias = polars.DataFrame


def read(files: list[Path]) -> Frame:
    """Read files of one schema, one after the other."""
    try:
        import polars
    except ImportError:
        frame: Frame = _read_pandas(files)
        return frame
    return polars.read_parquet(files)


def with_column(frame: Frame, name: str, values: list[str | None]) -> Frame:
    """Return the frame with a column of texts added at the end."""
    if _is_pandas(frame):
        assigned: Frame = _any(frame).assign(**{name: values})
        return assigned
    import polars

    return frame.with_columns(polars.Series(name, values, dtype=polars.String))


def column(frame: Frame, name: str) -> list[Any]:
    """Return a column as a list."""
    return list(_any(frame)[name])


def _any(frame: object) -> Any:
    return frame


def _is_pandas(frame: object) -> bool:
    return type(frame).__module__.startswith("pandas")


def _read_pandas(files: list[Path]) -> Any:
    try:
        import pandas
    except ImportError:
        raise Error("neither polars nor pandas is installed: pip install 'camaudit[frames]'") from None
    return pandas.concat([pandas.read_parquet(file) for file in files], ignore_index=True)
