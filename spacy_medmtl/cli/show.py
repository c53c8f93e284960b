"""``medmtl show``: what a pipeline finds in a text, in the terminal."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

import srsly
import typer
from spacy.tokens import Doc, Span
from wasabi import msg

from ..annotations.extensions import install_extensions
from ..annotations.groups import (
    ENTITIES,
    FINDINGS,
    GIVEN,
    INTENTS,
    RELATIONS,
    SECTIONS,
    TURNS,
    group_values,
    sentence_bounds,
)
from ..annotations.relations import read_relations
from ..annotations.rows import doc_rows
from ..annotations.travelling import value_of
from ..corpora.formats.files import HEAD_BYTES, check_text, encoding_of
from ..errors import MedmtlError
from ..notes.row_inputs import writable
from .loading import Code, Pipeline, load_pipeline

SHOWN = (INTENTS, ENTITIES, FINDINGS, RELATIONS, SECTIONS, TURNS, GIVEN)  # or read on the way; other groups: by key
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # all but tabs and line feeds
VALUES = ("assertion", "scores", "assertion_modifiers")
EXAMPLE = """What brings you in today?
For two days I have had a burning pain in my chest, but no fever.
Any shortness of breath or swelling of the ankles?
No, neither.
My father had a heart attack at fifty.
On examination there is mild tenderness of the upper abdomen.
This is most likely gastritis; we cannot rule out a stomach ulcer yet.
We will start omeprazole and arrange a gastroscopy.
Call us at once if you vomit blood."""


def show(
    model: Pipeline,
    file: Annotated[Path | None, typer.Argument(help="A text file; an invented visit if left out.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the rows of docs/tables.md as JSON.")] = False,
    code: Code = None,
) -> None:
    """Print sentences with their intent, nested entities, findings with their status, and relations of a text.

    Example: medmtl show en_medmtl note.txt

    Span groups under other keys follow by key."""
    try:
        text = EXAMPLE if file is None else _read(file)
    except (OSError, UnicodeError) as error:
        problem = getattr(error, "strerror", None) or type(error).__name__
        raise MedmtlError("E503", path=file, problem=problem) from error
    nlp = load_pipeline(model, code)
    if len(text) > nlp.max_length:
        raise MedmtlError("E504", path=file, received=len(text), maximum=nlp.max_length)
    install_extensions()  # of our components, not all do it
    doc = nlp(text)
    if as_json:
        typer.echo(
            srsly.json_dumps(doc_rows(doc, "an invented visit" if file is None else writable(str(file))), indent=2)
        )
        return
    for title, rows in (
        ("Sentences", _sentences(doc)),
        ("Entities", _spans(doc, ENTITIES, "scores")),
        ("Findings", _spans(doc, FINDINGS, "assertion", "scores", "assertion_modifiers")),
        ("Relations", _relations(doc, RELATIONS)),
        *((key, _others(doc, key)) for key in doc.spans if key not in SHOWN),
    ):
        msg.divider(title)
        if rows:
            msg.table([tuple(map(_printed, row)) for row in rows], max_col=100)
        else:
            msg.text("none")


def _read(file: Path) -> str:
    """The text of a file of UTF-8, or of what its first bytes say; line ends as line feeds."""
    content = file.read_bytes()
    check_text(content[:HEAD_BYTES], file)
    return re.sub("\r\n?", "\n", content.decode(encoding_of(content)))


def _sentences(doc: Doc) -> list[tuple[str, ...]]:
    spans = [doc[start:end] for start, end in sentence_bounds(doc)]
    return [(span._.intent or "-", span.text) for span in spans]


def _spans(doc: Doc, key: str, *values: str) -> list[tuple[str, ...]]:
    columns = [group_values(doc, key, name) for name in values]
    return _rows(doc.spans.get(key, []), [column for column in columns if column])


def _relations(doc: Doc, key: str) -> list[tuple[str, ...]]:
    relations = read_relations(doc, key=key)
    return [(relation.tail.text, relation.label, relation.head.text, _cell(relation.score)) for relation in relations]


def _others(doc: Doc, key: str) -> list[tuple[str, ...]]:
    """Of a group under a key of the user's own, or of another package's component, which keeps values in its way."""
    if "labels" in doc.spans[key].attrs:
        return _relations(doc, key)
    columns = [[value_of(doc, key, i, name) for i in range(len(doc.spans[key]))] for name in VALUES]
    return _rows(doc.spans[key], [column for column in columns if column.count(None) < len(column)])


def _rows(spans: Iterable[Span], columns: Sequence[Sequence[object]]) -> list[tuple[str, ...]]:
    """A row for each span, with its value of each column."""
    return [(span.text, span.label_, *(_cell(column[i]) for column in columns)) for i, span in enumerate(spans)]


def _printed(text: str) -> str:
    """A text for the terminal, with the control characters that one obeys as escapes."""
    return _CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", text)


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value))
    return f"{value:.2f}" if isinstance(value, float) else str(value)
