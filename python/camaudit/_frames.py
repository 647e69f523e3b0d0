"""Parquet files as data frames, of polars or, where that is not installed, of pandas."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from ._error import Error

if TYPE_CHECKING:
    import polars

    # At run time a pandas.DataFrame where polars is not installed.
    Frame: TypeAlias = polars.DataFrame


def read(files: Sequence[Path]) -> Frame:
    """Read files of one schema, one after the other."""
    try:
        import polars
    except ImportError:
        return _read_pandas(files)
    return polars.read_parquet(files)


def with_column(frame: Frame, name: str, values: list[str | None]) -> Frame:
    """Return the frame with a column of texts added at the end."""
    if _is_pandas(frame):
        return _any(frame).assign(**{name: values})  # type: ignore[no-any-return]
    import polars

    return frame.with_columns(polars.Series(name, values, dtype=polars.String))


def column(frame: Frame, name: str) -> list[Any]:
    """Return a column as a list."""
    return list(_any(frame)[name])


def _any(frame: object) -> Any:
    return frame


def _is_pandas(frame: object) -> bool:
    return type(frame).__module__.startswith("pandas")


def _read_pandas(files: Sequence[Path]) -> Any:
    try:
        import pandas
    except ImportError:
        raise Error("neither polars nor pandas is installed: pip install 'camaudit[frames]'") from None
    return pandas.concat([pandas.read_parquet(file) for file in files], ignore_index=True)
