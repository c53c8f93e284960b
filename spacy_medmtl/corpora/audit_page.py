"""The audit of a conversion for readers: one HTML file that needs nothing else, light or dark as the system is."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from itertools import islice
from typing import Any

_SHOWN = 200  # rows of a long list; the JSON has all
_STYLE = """
:root { color-scheme: light dark; --line: #d0d4da; --soft: #5b6470; --bar: #3b7dd8; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --line: #3a4049; --soft: #9aa4b2; --bar: #6aa4f0; --bad: #f2857c; } }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; } h3 { font-size: 1rem; }
p, caption { color: var(--soft); } strong.bad { color: var(--bad); }
table { border-collapse: collapse; margin: .5rem 0 1.2rem; }
caption { text-align: left; padding-bottom: .2rem; }
th, td { border-bottom: 1px solid var(--line); padding: .15rem .9rem .15rem 0; text-align: left; vertical-align: top;
  overflow-wrap: anywhere; }
th { font-weight: 600; } td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
.bar { display: inline-block; height: .65rem; min-width: 1px; background: var(--bar); }
"""


def audit_page(report: Mapping[str, Any]) -> str:
    """The page for what ``<output>.audit.json`` holds. Everything from outside is escaped."""
    title = f"Audit of {report['converter']}"
    body = [f"<h1>{escape(title)}</h1>", _summary(report)]
    body += [_output(name, counts, report["window"]) for name, counts in report["outputs"].items()]
    body += [_shared(report["shared_texts"]), _changes(report)]
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{escape(title)}</title>'
    head = f"<head>{head}<style>{_STYLE}</style></head>"
    return f'<!doctype html>\n<html lang="en">{head}\n<body>{"".join(body)}</body></html>\n'


def _summary(report: Mapping[str, Any]) -> str:
    outcomes = Counter(change["outcome"] for change in report["changes"])
    lost = outcomes["dropped"]
    verdict = f'<strong class="bad">{lost} lost.</strong>' if lost else "<strong>Nothing lost.</strong>"
    settings = [(name, report[name]) for name in ("lang", "seed", "dev_share", "on_error", "on_misaligned")]
    rows = [("inputs", ", ".join(report["inputs"])), *((name, value) for name, value in settings if value is not None)]
    rows += [(f"setting {key}", value) for key, value in report["settings"].items()]
    rows += [(f"annotations or lines {name}", n) for name, n in sorted(outcomes.items())]
    rows += [(note, n) for note, n in report["notes"].items() if n]
    return f"<p>{verdict}</p>" + _table(("what", "value"), rows)


def _output(name: str, counts: Mapping[str, Any], window: int) -> str:
    rows = [(what, counts[what]) for what in ("documents", "sentences", "tokens")]
    for key, words in (
        ("sentences_over_window", f"sentences of more than {window} wordpieces"),
        ("sentences_over_window_at_least", f"sentences of more than {window} tokens (of wordpieces there may be more)"),
    ):
        rows += [(words, counts[key])] if key in counts else []
    rows.append(("documents whose text stood before", counts["repeated_texts"]["documents"]))
    parts = [f"<h2>{escape(name)}</h2>", _table(("what", "count"), rows)]
    histograms = counts["histograms"]
    parts.append(_bars("tokens in a sentence", _bins(histograms["tokens_per_sentence"])))
    for key, labels in counts["spans"].items():
        parts += [f"<h3>{escape(key)}</h3>", _bars("labels", labels)]
        parts.append(_bars("spans in a document", _bins(histograms["spans_per_document"][key])))
        if key in counts["depths"]:
            parts.append(_bars("tokens in a span", _bins(histograms["tokens_per_span"][key])))
            parts.append(_bars("nesting depth, 1 outermost", counts["depths"][key]))
    return "".join(parts)


def _shared(leaks: Sequence[Mapping[str, Any]]) -> str:
    heading = "<h2>Texts that two outputs share</h2>"
    if not leaks:
        return heading + "<p>None.</p>"
    rows = [(leak["file"], leak["other"], leak["documents"], _pairs(leak["positions"])) for leak in leaks]
    return heading + _table(("file", "other file", "documents", "numbers of the documents, from 0"), rows)


def _changes(report: Mapping[str, Any]) -> str:
    changes = report["changes"]
    if not changes:
        return "<h2>Not as in the input</h2><p>Nothing.</p>"
    reasons = _table(("what", "count"), list(report["change_counts"].items()))
    worst_first = sorted(changes, key=lambda change: ("dropped", "skipped").count(change["outcome"]), reverse=True)
    columns = ("outcome", "file", "line", "kind", "label", "offsets", "reason")
    rows = [[_cell(change[column]) for column in columns] for change in islice(worst_first, _SHOWN)]
    more = f"<p>{len(changes) - _SHOWN} more in the JSON file.</p>" if len(changes) > _SHOWN else ""
    return "<h2>Not as in the input</h2>" + reasons + _table(columns, rows) + more


def _cell(value: Any) -> Any:
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else value


def _pairs(positions: Sequence[Sequence[int]]) -> str:
    shown = ", ".join(f"{one} = {other}" for one, other in islice(positions, _SHOWN))
    return shown + (" and more" if len(positions) > _SHOWN else "")


def _bins(histogram: Mapping[str, int]) -> dict[str, int]:
    """Bins in order, by their names: '3 to 4' for the upper bound 4."""
    bounds = sorted(map(int, histogram))
    return {f"{b // 2 + 1} to {b}" if b > 2 else str(b): histogram[str(b)] for b in bounds}


def _bars(caption: str, counts: Mapping[str, int]) -> str:
    if not counts:
        return ""
    longest = max(counts.values())
    rows: list[str] = []
    for name, n in counts.items():
        bar = f'<span class="bar" style="width:{12 * n / longest if longest else 0:.2f}rem"></span>'
        rows.append(f'<tr><td>{escape(str(name))}</td><td class="n">{n}</td><td>{bar}</td></tr>')
    return f"<table><caption>{escape(caption)}</caption>{''.join(rows)}</table>"


def _table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in header)
    lines = ["".join(_td(value) for value in row) for row in rows]
    return f"<table><tr>{head}</tr>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"


def _td(value: Any) -> str:
    return f'<td class="n">{value}</td>' if isinstance(value, int) else f"<td>{escape(str(value))}</td>"
