"""E3C, published clinical cases in WebAnno's XMI: given disorders, with the status of the event that names each.

Two layers are read together, because neither is enough. EVENT carries polarity and modality, but marks single words of
any kind ("showed", "admitted", "surgery") and does not tell which are findings. CLINENTITY marks disorders in full
("sore left ankle") and carries neither. So a finding is a CLINENTITY, judged by the EVENTs inside it; all of them must
say the same. A CLINENTITY without an EVENT, a fifth of them, was never judged and is a loss: some are negated, so that
no default would do. Nor can disorders be told that only an EVENT marks. Hence the text between the spans counts as not
judged (``given_only``).

The polarity gives the status of what is ACTUAL; that of all else is unknown (``MODALITY``). contextualAspect (NOVEL,
INTERMITTENT) tells the course of what is there, which is no modifier here. ``historical`` and ``family`` are not
annotated: docTimeRel is BEFORE for most of a text that is told in the past, and EVENT has no experiencer.
"""

from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path
from typing import Any

from ...annotations.groups import FINDINGS
from ..audit import COVERED, RESHAPED, Audit, Place, need
from ..formats.xml import line_of, local, parse_xml
from ..reader import Reader
from ..record import GIVEN, RULE, Attributes, Bounds, Entity, Record, asserted
from ..scheme import FINDING, FINDINGS_ONLY, Scheme

TEXT = "sofaString"
ENTITY, EVENT, SENTENCE = "CLINENTITY", "EVENT", "Sentence"
POLARITY = {"POS": "positive", "NEG": "negative"}
ACTUAL = "ACTUAL"
MODALITY: dict[str, tuple[str, ...]] = {
    ACTUAL: (),
    "HEDGED": ("uncertain",),
    "HYPOTHETICAL-IF": ("hypothetical",),
    "HYPOTHETICAL-OTHER": ("hypothetical",),
    "GENERIC": (),  # the class, not this case
}


def read(path: Path, audit: Audit) -> Iterator[Record]:
    """The text of a file, with its sentences."""
    place = Place(path, 1)
    with audit.losing(place, "document"):
        root = parse_xml(path.read_bytes(), place, audit)
        texts = [element.get(TEXT) for element in root.iter() if element.get(TEXT) is not None]
        need(len(texts) == 1 and texts[0].strip(), f"expected one text ({TEXT}) in the file")
        layers = _layers(root, texts[0], path, audit)
        starts = [sentence.bounds[0] for sentence in layers[SENTENCE]]
        entities = list(_findings(layers, audit))
        yield Record(texts[0], place, entities=entities, starts=starts, sentences=GIVEN if starts else RULE)


READER = Reader(
    read,
    Scheme(group=FINDINGS_ONLY, finding_label=FINDING, modifiers=("uncertain", "hypothetical"), given_only=True),
    suffixes=(".xml",),
)


def _layers(root: Any, text: str, path: Path, audit: Audit) -> dict[str, list[Entity]]:
    """The annotations by layer (the name of their elements), in the order of the file. Offsets count UTF-16 units."""
    units = accumulate((2 if character > "\uffff" else 1 for character in text), initial=0)
    characters = {str(unit): index for index, unit in enumerate(units)}
    layers: dict[str, list[Entity]] = {layer: [] for layer in (ENTITY, EVENT, SENTENCE)}
    for element in root.iter():
        layer, place = local(element), line_of(element, path)
        if layer not in layers:
            continue
        start, end = (characters.get(element.get(edge, ""), -1) for edge in ("begin", "end"))
        if 0 <= start < end:
            layers[layer].append(Entity(layer, ((start, end),), place, tuple(element.attrib.items())))
        else:
            audit.dropped(place, "line", layer, "begin and end are not inside the text")
    return layers


def _findings(layers: dict[str, list[Entity]], audit: Audit) -> Iterator[Entity]:
    events = sorted(layers[EVENT], key=lambda event: event.bounds[0])
    starts = [event.bounds[0] for event in events]
    for entity in layers[ENTITY]:
        start, end = entity.bounds
        begun = events[bisect_left(starts, start) : bisect_left(starts, end)]
        with audit.losing(entity.place, FINDINGS, FINDING):
            judgements = [_judgement(event, entity.bounds) for event in begun if event.bounds[1] <= end]
            need(judgements, "no event inside the entity: its polarity is not annotated", offsets=entity.bounds)
            differ = "the events inside the entity differ in polarity or modality"
            need(len(set(judgements)) == 1, differ, offsets=entity.bounds)
            if "discontinuous" in dict(entity.attributes):
                audit.changed(RESHAPED, entity.place, FINDINGS, FINDING, entity.bounds, COVERED)
            yield Entity(FINDING, (entity.bounds,), entity.place, judgements[0])


def _judgement(event: Entity, bounds: Bounds) -> Attributes:
    """Status and modifiers by the rule above. Raises LossError, of an entity at ``bounds``, for values that it does not
    know."""
    polarity, modality = (dict(event.attributes).get(name, "") for name in ("polarity", "contextualModality"))
    expected = f"polarity {', '.join(POLARITY)} and contextualModality {', '.join(MODALITY)}"
    problem = f"an unknown value in an event of the entity: expected {expected}"
    need(polarity in POLARITY and modality in MODALITY, problem, offsets=bounds)
    return asserted(POLARITY[polarity] if modality == ACTUAL else "unknown", MODALITY[modality])
