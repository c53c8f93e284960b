"""HTML of annotated Docs: text with its line breaks, spans in lanes, status, intents and relations.

Nothing in it comes from elsewhere: no fonts, scripts or images. Pages forbid the browser to load anything.
"""

from collections.abc import Iterable
from functools import cache
from typing import Any
from urllib.parse import quote

import jinja2
from markupsafe import Markup
from spacy.tokens import Doc
from spacy.util import is_in_jupyter

from ..annotations.rows import DOC_ID, only_docs
from .arcs import arc_diagram
from .lanes import drawn_spans, relation_rows, sentences


def render(
    docs: Doc | Iterable[Doc],
    *,
    page: bool = False,
    titles: Iterable[str] | None = None,
    evidence: bool = False,
    jupyter: bool | None = None,
) -> str:
    """HTML of one Doc or several; in Jupyter it is displayed, and the result is empty.

    page: a whole, self-contained page instead of a fragment. titles: one for each Doc; by default
    ``doc.user_data["title"]``, as in displaCy, or the Doc's id. evidence: tell why findings have their status, which
    takes one reading for each word around a finding. jupyter: None to find out. Raises MedmtlError E523 for what
    is no Doc.
    """
    docs = list(only_docs(docs))
    names = _titles(docs) if titles is None else list(titles)
    prefixes = [f"m{number}" for number in range(len(docs))]
    notes = [_note(doc, title, prefix, evidence) for doc, title, prefix in zip(docs, names, prefixes, strict=True)]
    style = Markup(_template("style").render())
    if page:
        contents = [{"title": title, "link": f"#{prefix}note"} for title, prefix in zip(names, prefixes) if title]
        html = _template("page").render(
            title=names[0] if len(names) == 1 and names[0] else f"{len(docs)} notes",
            lang=docs[0].lang_ if docs else "en",
            style=style,
            contents=contents if len(contents) > 1 else [],
            notes=Markup("\n").join(notes),
        )
    else:
        html = style + Markup("\n").join(notes)
    if jupyter or (jupyter is None and is_in_jupyter()):
        from IPython.display import HTML, display

        display(HTML(str(html)))
        return ""
    return str(html)


def index_page(links: Iterable[tuple[str, str]]) -> str:
    """A page that lists others: (title, path)."""
    contents = [{"title": title, "link": quote(path)} for title, path in links]
    return _template("page").render(title=f"{len(contents)} notes", lang="en", contents=contents, notes="")


def parse_spans(doc: Doc) -> dict[str, Any]:
    """Findings and entities for displaCy's own "span" style: ``displacy.render(parse_spans(doc), style="span",
    manual=True)``. Labels of findings carry their status and modifiers."""
    return {
        "text": doc.text,
        "spans": [
            {"start_token": span.start, "end_token": span.end, "label": span.label}
            for span in drawn_spans(doc, evidence=False)
        ],
        "tokens": [token.text for token in doc],
        "title": doc.user_data.get("title"),
        "settings": {"lang": doc.lang_, "direction": doc.vocab.writing_system.get("direction", "ltr")},
    }


def _titles(docs: list[Doc]) -> list[str]:
    return [str(doc.user_data.get("title") or doc.user_data.get(DOC_ID) or "") for doc in docs]


def _note(doc: Doc, title: str, prefix: str, evidence: bool) -> Markup:
    spans = drawn_spans(doc, evidence=evidence)
    html = _template("note").render(
        title=title,
        prefix=prefix,
        lang=doc.lang_,
        dir=doc.vocab.writing_system.get("direction", "ltr"),
        sentences=list(sentences(doc, spans)),
        findings=[span for span in spans if span.is_finding],
        relations=relation_rows(doc, prefix),
        arcs=arc_diagram(doc),
    )
    return Markup(html)


@cache
def _template(name: str) -> jinja2.Template:
    environment = jinja2.Environment(loader=jinja2.PackageLoader("spacy_medmtl", "displacy"), autoescape=True)
    return environment.get_template(f"{name}.jinja")
