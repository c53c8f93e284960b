"""The JSON that ``medmtl evaluate`` wrote, as other commands read it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import srsly

from ..errors import MedmtlError


def read_scores(path: Path) -> dict[str, Any]:
    """The scores in a file. Raises MedmtlError E502 where it holds none."""
    if not path.exists():
        raise MedmtlError("E502", path=path, problem="there is no such file")
    with asking_scores_of(path):
        scores: dict[str, Any] = dict(srsly.read_json(path))  # type: ignore[call-overload]
        scores["corpora"].items(), scores["pipeline"]["name"]
    return scores


@contextmanager
def asking_scores_of(path: Path) -> Iterator[None]:
    """A block that reads in the scores of a file. Raises MedmtlError E502 where they lack what it reads: they may be of
    an earlier version, or changed by hand."""
    try:
        yield
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise MedmtlError("E502", path=path, problem=type(error).__name__) from error
