"""The audit of a conversion for readers: one HTML file that needs nothing else, light or dark as the system is."""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Template

_TEMPLATE = Path(__file__).with_name("audit.html.jinja")
_SHOWN = 200  # rows of a long list; the JSON has all
_COLUMNS = ("outcome", "file", "line", "kind", "label", "offsets", "reason")


def audit_page(report: Mapping[str, Any]) -> str:
    """The page for what ``<output>.audit.json`` holds. Everything from outside is escaped."""
    changes = report["changes"]
    worst_first = sorted(changes, key=lambda change: ("dropped", "skipped").count(change["outcome"]), reverse=True)
    outcomes = Counter(change["outcome"] for change in changes)
    shared = [
        (leak["file"], leak["other"], leak["documents"], _pairs(leak["positions"])) for leak in report["shared_texts"]
    ]
    return _template().render(
        report=report,
        outcomes=outcomes,
        summary=_summary(report, outcomes),
        sizes={name: _sizes(counts, report["window"]) for name, counts in report["outputs"].items()},
        shared=shared,
        columns=_COLUMNS,
        changes=[[_cell(change[column]) for column in _COLUMNS] for change in islice(worst_first, _SHOWN)],
        n_more=max(len(changes) - _SHOWN, 0),
    )


@lru_cache(maxsize=1)
def _template() -> "Template":
    from jinja2 import Environment

    environment = Environment(autoescape=True, trim_blocks=True)
    environment.filters["bins"] = _bins
    return environment.from_string(_TEMPLATE.read_text(encoding="utf8"))


def _summary(report: Mapping[str, Any], outcomes: Mapping[str, int]) -> list[tuple[str, Any]]:
    settings = [(name, report[name]) for name in ("lang", "seed", "dev_share", "on_error", "on_misaligned")]
    rows = [("inputs", ", ".join(report["inputs"])), *((name, value) for name, value in settings if value is not None)]
    rows += [(f"setting {key}", value) for key, value in report["settings"].items()]
    rows += [(f"annotations or lines {name}", n) for name, n in sorted(outcomes.items())]
    return rows + [(note, n) for note, n in report["notes"].items() if n]


def _sizes(counts: Mapping[str, Any], window: int) -> list[tuple[str, int]]:
    rows = [(what, counts[what]) for what in ("documents", "sentences", "tokens")]
    for key, words in (
        ("sentences_over_window", f"sentences of more than {window} wordpieces"),
        ("sentences_over_window_at_least", f"sentences of more than {window} tokens (of wordpieces there may be more)"),
    ):
        rows += [(words, counts[key])] if key in counts else []
    return [*rows, ("documents whose text stood before", counts["repeated_texts"]["documents"])]


def _cell(value: Any) -> Any:
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else value


def _pairs(positions: Sequence[Sequence[int]]) -> str:
    shown = ", ".join(f"{first} = {second}" for first, second in islice(positions, _SHOWN))
    return shown + (" and more" if len(positions) > _SHOWN else "")


def _bins(histogram: Mapping[str, int]) -> dict[str, int]:
    """Bins in order, by their names: '3 to 4' for the upper bound 4."""
    bounds = sorted(map(int, histogram))
    return {f"{b // 2 + 1} to {b}" if b > 2 else str(b): histogram[str(b)] for b in bounds}
