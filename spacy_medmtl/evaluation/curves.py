"""Learning curves, from the file that a training logger wrote."""

from pathlib import Path
from typing import Any

import srsly

from ..errors import MedmtlError


def read_curves(path: Path) -> list[dict[str, Any]]:
    """A curve for each score that counted and for the loss of each component: ``name``, ``steps``, ``values``.

    path: JSON lines as ``output_file`` of ``spacy-medmtl.ConsoleLogger.v1`` or ``spacy.ConsoleLogger.v3`` gets them.
    Raises MedmtlError E506 for another file, and one without a line.
    """
    try:
        lines = list(srsly.read_jsonl(path))
        steps = [int(line["step"]) for line in lines]
        curves = {"score": [float(line["score"]) for line in lines]}
        for kind, suffix in (("scores", ""), ("losses", " loss")):
            for name in dict.fromkeys(name for line in lines for name in line[kind]):
                values = [line[kind].get(name) for line in lines]
                if all(isinstance(value, (int, float)) for value in values):
                    curves[f"{name}{suffix}"] = [float(value) for value in values]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise MedmtlError("E506", path=path, problem=type(error).__name__) from error
    if not steps:
        raise MedmtlError("E506", path=path, problem="it is empty")
    return [{"name": name, "steps": steps, "values": values} for name, values in curves.items()]
