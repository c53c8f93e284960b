"""The JSON that ``medmtl evaluate`` wrote, as other commands read it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import srsly

from ..errors import MedmtlError

Made = TypeVar("Made")


def read_scores(path: Path) -> dict[str, Any]:
    """The scores in a file. Raises MedmtlError E502 where it holds none."""
    return made_of_scores(path, lambda scores: scores)


def made_of_scores(path: Path, make: Callable[[dict[str, Any]], Made]) -> Made:
    """What a function makes of the scores in a file.

    Raises MedmtlError E502 where it holds none, or lacks what the function reads: it may be of an earlier version, or
    changed by hand.
    """
    try:
        scores: dict[str, Any] = dict(srsly.read_json(path))  # type: ignore[call-overload]
        scores["corpora"].items(), scores["pipeline"]["name"]
        return make(scores)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise MedmtlError("E502", path=path, problem=type(error).__name__) from error
