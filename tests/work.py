"""How much a call does, as a count that is the same on every machine: a busy one changes seconds, not this."""

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any


def lines_run(call: Callable[[], object]) -> int:
    """The lines of Python that ``call`` runs, in the package and in what it uses (code in C counts as its line)."""
    n_lines = 0

    def count(frame: FrameType, event: str, arg: Any) -> Any:
        nonlocal n_lines
        n_lines += event == "line"
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        call()
    finally:
        sys.settrace(before)
    return n_lines
