"""Python values as the values of TOML."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping


def overrides(keys: Mapping[str, object]) -> list[str]:
    """Return ``key=value`` for each key; ``__`` in a key stands for a dot."""
    return [f"{key.replace('__', '.')}={literal(value)}" for key, value in keys.items()]


def literal(value: object) -> str:
    """Return a value as TOML writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    if isinstance(value, str):
        # TOML's basic strings have the escapes of JSON, but forbid DEL as it is.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, Mapping):
        pairs = [f"{literal(str(key))} = {literal(item)}" for key, item in value.items()]
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(literal(item) for item in value) + "]"
    raise TypeError(f"{type(value).__name__} is no value of a pipeline file: {value!r}")
