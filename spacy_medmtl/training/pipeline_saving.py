"""How ``spacy train`` saves pipelines: whole, and with what a person who gets one wants to know.

spaCy writes ``model-last`` file by file over the one before: a training that is killed meanwhile leaves the parts of
two pipelines in one folder. And what ``spacy package`` prints (name, version, licence, sources, ...) comes from the
pipeline's meta, which training leaves empty.
"""

import copy
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from spacy.language import Language

from ..errors import MedmtlError
from ..saving import whole_folder
from .provenance import data_checksums, versions

# The keys of spaCy's meta.json that a person fills in (https://spacy.io/api/data-formats#meta)
CARD = ("name", "version", "description", "author", "email", "url", "license", "sources", "notes", "requirements")


def save_pipeline(meta: dict[str, Any] | None = None) -> Callable[[Language], Language]:
    """``spacy-medmtl.save_pipeline.v1``, for ``[training.before_to_disk]``: saves the pipeline whole or not at all.

    meta: entries of meta.json, of ``CARD``. In its "performance", scores that count for the best model come first, and
    "medmtl" gets the versions and the checksums of the data, for ``medmtl info``. Raises MedmtlError E326 for other
    keys.
    """
    card = dict(meta or {})
    if unknown := sorted(card.keys() - set(CARD)):
        raise MedmtlError("E326", received=unknown, expected=list(CARD))

    made: dict[str, Any] = {}  # once: data do not change during a training

    def before_to_disk(nlp: Language) -> Language:
        if not made:
            made.update(versions=versions(), data=data_checksums(nlp.config.interpolate()))
        nlp.meta.update(copy.deepcopy(card), medmtl=made)
        if "performance" in nlp.meta:
            weights = nlp.config["training"]["score_weights"]
            nlp.meta["performance"] = by_importance(nlp.meta["performance"], weights)
        # a twin whose ``to_disk`` is ours: spaCy calls that of what this callback returns, and nlp itself stays
        # untouched
        saved = copy.copy(nlp)
        saved.to_disk = partial(save_whole, nlp)  # type: ignore[method-assign]
        return saved

    return before_to_disk


def save_whole(nlp: Language, path: str | Path, **options: Any) -> None:
    """``nlp.to_disk`` into a new folder, which then takes the place of an earlier pipeline at ``path``.

    Raises MedmtlError E407 where it cannot be written, or ``path`` holds something else.
    """
    with whole_folder(Path(path), replaces="meta.json") as part:
        nlp.to_disk(part, **options)


def by_importance(performance: dict[str, Any], weights: dict[str, float | None]) -> dict[str, Any]:
    """Scores by their weight, highest first, then those without, then losses; equals stay in their order."""

    def rank(name: str) -> tuple[bool, float]:
        return name.endswith("_loss"), -(weights.get(name) or 0.0)

    return {name: performance[name] for name in sorted(performance, key=rank)}
