"""Examples of JSON files in the shapes of spaCy's training data and of the tools that write it.

``[text, {"entities": [[start, end, label], ...], "cats": {...}}]`` is an example of spaCy, an object with
``annotations`` of these what annotators for it export.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..audit import Audit, Place
from .json_files import read_json

OF_SPACY_2 = (
    "training data of spaCy 2, which is not read: 'python -m spacy convert' makes a .spacy file of it, and 'medmtl "
    "export jsonl' of that what 'medmtl convert prodigy' reads"
)
OF_TOKENS = (
    "tokens and tags, as datasets of Hugging Face have them, which is not read: write a line 'word TAB tag' for each, "
    "the tag by its name, and an empty line behind each example: 'medmtl convert conll' reads that"
)
_TAGS = ("ner_tags", "tags", "labels", "ner", "label")


def read_examples(path: Path, audit: Audit) -> Iterator[tuple[Place, Any]]:
    """The values of a file, those of spaCy as objects with a ``text`` and what is annotated. Data of spaCy 2, and of
    words with tags, are a loss (MedmtlError E401 in stop mode)."""
    for place, value in read_json(path, audit):
        examples = value.get("annotations") if isinstance(value, dict) and "text" not in value else None
        if isinstance(examples, list) and all(one is None or _is_pair(one) for one in examples):
            for example in examples:
                if example is None:
                    audit.note("examples that nobody annotated, left out")
                else:
                    yield place, _as_object(example)
        elif isinstance(value, dict) and "paragraphs" in value and "text" not in value:
            audit.dropped(place, "document", "", OF_SPACY_2)
        elif _has_tags(value):
            audit.dropped(place, "document", "", OF_TOKENS)
        else:
            yield place, _as_object(value) if _is_pair(value) else value


def _is_pair(value: Any) -> bool:
    return isinstance(value, list) and list(map(type, value)) == [str, dict]


def _has_tags(value: Any) -> bool:
    """Whether it is words with a tag each, and no text."""
    if not isinstance(value, dict) or "text" in value or not isinstance(value.get("tokens"), list):
        return False
    tags = [value[name] for name in _TAGS if isinstance(value.get(name), list)]
    return any(len(one) == len(value["tokens"]) for one in tags)


def _as_object(example: list[Any]) -> dict[str, Any]:
    return {**example[1], "text": example[0]}
