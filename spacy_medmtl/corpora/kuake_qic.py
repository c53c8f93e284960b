"""KUAKE-QIC: what somebody wants to know who asks a search engine a medical question.

A JSON list of ``{id, query, label}``. To be read with the language ``zh``.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc

from .audit import Audit
from .docs import keep_together
from .formats.json_arrays import read_array
from .formats.json_lines import is_unicode
from .intents import query_doc

# treatment, other, diagnosis, precautions, what a disease is like, where to be treated, what a drug or food does,
# consequences, costs, causes, what a measured value means
LABELS = (
    "治疗方案",
    "其他",
    "病情诊断",
    "注意事项",
    "疾病表述",
    "就医建议",
    "功效作用",
    "后果表述",
    "医疗费用",
    "病因分析",
    "指标解读",
)


def convert(paths: Sequence[Path], nlp: Language, audit: Audit, *, seed: int = 0) -> Iterator[Doc]:
    """One Doc for each query, which is one unit. Raises MedmtlError E401 at the first loss in stop mode."""
    seen: set[str] = set()
    for path in paths:
        for place, row in read_array(path, audit):
            problem = _problem(row, nlp)
            if problem:
                audit.dropped(place, "document", "", problem)
                continue
            query = row["query"]
            audit.note("queries that occur again", int(query in seen))
            seen.add(query)
            doc = query_doc(nlp, query, row["label"], LABELS)
            keep_together(doc, " ".join(query.split()))
            yield doc


def _problem(row: Any, nlp: Language) -> str:
    """What is wrong with an element, or nothing."""
    if not isinstance(row, dict) or not isinstance(row.get("query"), str) or not isinstance(row.get("label"), str):
        return "expected a JSON object with id, query and label"
    if row["label"] not in LABELS:
        return f"an unknown label: expected one of {', '.join(LABELS)}"
    if not row["query"].strip() or not is_unicode(row["query"]) or len(row["query"]) > nlp.max_length:
        return "a query that is empty, not UTF-8 or longer than spaCy reads"
    return ""
