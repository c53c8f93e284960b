"""Texts with given spans and what holds of each, for the comparisons of status: converted corpora, lists, cases."""

import ast
import importlib.util
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import spacy
import typer
from assertion_tools import NEGATED, Case, Decision
from spacy.tokens import DocBin

from spacy_medmtl.annotations.extensions import MODIFIERS
from spacy_medmtl.annotations.groups import FINDINGS, group_values


@dataclass(frozen=True)
class Judged(Case):
    """A case whose spans have a status each, as one of several that are right."""

    statuses: list[tuple[str, ...]] = field(default_factory=list)


def decision(status: str, held: Sequence[str], judged: Sequence[str]) -> Decision:
    return {NEGATED: status == "negative", **{name: name in held for name in judged}}


def corpus_cases(paths: Sequence[Path]) -> list[Judged]:
    """One case for each Doc with findings."""
    found = []
    for path in paths:
        for doc in DocBin().from_disk(path).get_docs(spacy.blank("en").vocab):
            statuses = group_values(doc, FINDINGS, "assertion")
            if statuses:
                held = group_values(doc, FINDINGS, "assertion_modifiers")
                judged = doc.spans[FINDINGS].attrs.get("annotated_modifiers", MODIFIERS)
                spans = [(span.start_char, span.end_char) for span in doc.spans[FINDINGS]]
                gold = [decision(status, names, judged) for status, names in zip(statuses, held)]
                found.append(Judged(doc.text, spans, gold, [], [(status,) for status in statuses]))
    return found


def trap_cases(path: Path, name: str = "TRAPS") -> list[Judged]:
    """One case for each text of a list in ``traps.py`` of the test suite: TRAPS or BLIND."""
    spec = importlib.util.spec_from_file_location("traps", path)
    if spec is None or spec.loader is None:
        raise typer.BadParameter(f"{path} is no Python file.")
    module = importlib.util.module_from_spec(spec)
    sys.modules["traps"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    found: dict[str, Judged] = {}
    for trap in getattr(module, name):
        case = found.setdefault(trap.text, Judged(trap.text, [], [], []))
        case.spans.append((trap.start, trap.start + len(trap.finding)))
        case.gold.append(decision(trap.status, trap.modifiers, MODIFIERS))
        case.phenomena.append(trap.phenomenon)
        case.statuses.append((trap.status,))
    return list(found.values())


def status_cases(folder: Path) -> list[Judged]:
    """The sentences of ``status_*/check.py``: a list ``rows`` of (text, [(finding, "status|status"), ...])."""
    found = []
    for path in sorted(folder.glob("status_*/check.py")):
        assigned = [node for node in ast.parse(path.read_text("utf8")).body if isinstance(node, ast.Assign)]
        rows = next(node.value for node in assigned if ast.unparse(node.targets[0]) == "rows")
        for text, findings in ast.literal_eval(rows):
            case, at = Judged(text, [], [], []), 0
            for words, wanted in findings:
                start = text.lower().index(words, at)
                at = start + len(words)
                case.spans.append((start, at))
                case.statuses.append(tuple(wanted.split("|")))
                case.gold.append({NEGATED: case.statuses[-1][0] == "negative"})
            found.append(case)
    return found
