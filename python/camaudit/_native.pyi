"""The extension module, which only this package uses. Arguments are positional; errors are `camaudit.Error`."""

import os
from collections.abc import Callable, Iterable
from typing import Any

VERSION: str
SCHEMA_VERSION: int

_Box = tuple[str, float, float, float, float]
_Image = tuple[str, bytes | None, str | None, str | None, str | None, list[_Box], list[str]]

def main(arguments: list[str], /) -> int: ...
def image_root(pipeline: str, overrides: list[str], /) -> os.PathLike[str] | None: ...
def content_key(pipeline: str, overrides: list[str], /) -> str: ...
def measure_shards(
    pipeline: str,
    overrides: list[str],
    out: str | None,
    distribute: Callable[[os.PathLike[str], int], Iterable[bytes]],
    warn: Callable[[str], object],
    /,
) -> os.PathLike[str]: ...
def auditor(
    pipeline: str, overrides: list[str], threads: int, /
) -> tuple[list[str], Callable[[list[_Image]], dict[str, list[tuple[str, str, Any]]]]]: ...
def shard_worker(folder: str, threads: int, /) -> Callable[[int], bytes]: ...
