"""``python -m camaudit`` and the command ``camaudit``."""

from __future__ import annotations

import signal
import sys

from . import _native


def main() -> int:
    """Run the program with this process's arguments; return its exit code."""
    # Python would only note the signal until the program returns.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    return _native.main(["camaudit", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
