"""An order of tasks from easy to hard, by the two rules of the progressive paper (OpenReview f4OM3Mn2wb, 3.1).

1. Coarse-grained tasks are simpler than fine-grained ones: what is judged of whole sentences comes before what is
   judged of tokens.
2. Upstream tasks are simpler than downstream ones. A task that judges two units together is downstream of those that
   judge one, and a task that judges a status beside the label is downstream of those that find spans only.

Both are read off the gold annotation. What only a person knows comes as constraints, which go before the rules.
Measured difficulty (Eq. 1's d) is an order of its own, to be compared: the share that a single-task model leaves of
what the floor leaves.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import Any

from spacy.language import Language
from spacy.pipeline import Sentencizer
from spacy.tokens import Doc
from spacy.training import Example

from ..annotations.groups import sentence_bounds, trimmed
from ..annotations.pairs import segment_bounds
from ..errors import MedmtlError
from ..heads.head import Head

Constraint = tuple[str, str]  # route that comes before, route that comes after
METRICS = ("f", "acc", "pearson")  # the first that a head has is its score, if [lab.metrics] does not say otherwise


@dataclass
class Profile:
    """What the gold of a route's components consists of, counted in units (a sentence, an entity, a pair)."""

    components: list[str] = field(default_factory=list)
    n_units: int = 0
    n_coarse: int = 0  # made of whole sentences
    n_pairs: int = 0
    n_status: int = 0  # with a status beside the label

    @property
    def key(self) -> tuple[bool, bool, bool]:
        """Rule 1, then rule 2, each by the majority of units; smaller is easier."""
        return (2 * self.n_coarse < self.n_units, 2 * self.n_pairs > self.n_units, 2 * self.n_status > self.n_units)

    def describe(self) -> tuple[str, str, str]:
        """Granularity, units judged together, what is judged."""
        fine, pairs, status = self.key
        return ("token" if fine else "sentence", "2" if pairs else "1", "label and status" if status else "label")


def route_profiles(nlp: Language, examples: Iterable[Example]) -> dict[str, Profile]:
    """The profile of every route that a component reads, in the encoder's order.

    Raises MedmtlError E026 for a route whose components have no gold in any example.
    """
    profiles, components = _routes_in_use(nlp)
    sentencizer, n_docs = Sentencizer(), 0
    for example in examples:
        n_docs += 1
        doc = example.reference if example.reference.has_annotation("SENT_START") else sentencizer(example.reference)
        borders = [*sentence_bounds(doc), *(trimmed(doc, *bounds) for bounds in segment_bounds(doc))]
        starts, ends = {start for start, _ in borders}, {end for _, end in borders}
        for name, route in components.items():
            for spans, has_status in _units(doc, nlp.get_pipe(name), nlp.get_pipe_meta(name).factory):
                profile = profiles[route]
                profile.n_units += 1
                profile.n_coarse += all(start in starts and end in ends for start, end in spans)
                profile.n_pairs += len(spans) == 2
                profile.n_status += has_status
    for route, profile in profiles.items():
        if not profile.n_units:
            raise MedmtlError("E026", route=route, components=profile.components, n_docs=n_docs)
    return profiles


def _routes_in_use(nlp: Language) -> tuple[dict[str, Profile], dict[str, str]]:
    """Empty profiles by route, in the encoder's order, and the route of each listening component."""
    profiles: dict[str, Profile] = {}
    components: dict[str, str] = {}
    pipes: list[Any] = [pipe for _, pipe in nlp.pipeline]
    for pipe in pipes:
        listening = getattr(pipe, "listener_map", {})  # spaCy's own encoders have one too, without routes
        read = {
            name: listener.attrs["route"]
            for name in listening
            for listener in listening[name]
            if "route" in listener.attrs
        }
        unread = pipe.unread_routes() if read else []
        if unread:
            raise MedmtlError("E028", name=pipe.name, routes=unread)
        components.update(read)
        for route in pipe.model.attrs["routes"] if read else ():
            readers = [name for name in read if read[name] == route]
            profiles.setdefault(route, Profile()).components.extend(readers)
    return profiles, components


def _units(doc: Doc, pipe: Any, factory: str) -> Iterator[tuple[list[tuple[int, int]], bool]]:
    """The gold units of a component in a Doc: token bounds of one span or two, and whether a status belongs to them."""
    if isinstance(pipe, Head):
        yield from (
            ([trimmed(doc, *bounds) for bounds in item.bounds], bool(item.status)) for item in pipe.items(doc) or ()
        )
    elif factory.startswith("textcat") and doc.cats:
        yield [trimmed(doc, 0, len(doc))], False
    elif factory in ("ner", "beam_ner"):
        yield from (([(ent.start, ent.end)], False) for ent in doc.ents)
    else:
        spans = doc.spans.get(str(getattr(pipe, "key", "")), [])  # spaCy's spancat
        yield from (([trimmed(doc, span.start, span.end)], False) for span in spans)


def order_by_rules(profiles: Mapping[str, Profile], constraints: Sequence[Constraint] = ()) -> list[str]:
    """Routes from easy to hard: constraints first, then rule 1, then rule 2, then the order that they came in.

    Raises MedmtlError E025 where constraints form a cycle.
    """
    routes = list(profiles)
    easier: dict[str, set[str]] = {route: set() for route in routes}
    for before, after in constraints:
        easier[after].add(before)
    try:
        order = list(TopologicalSorter(easier).static_order())
    except CycleError as error:
        raise MedmtlError("E025", cycle=" before ".join(error.args[1])) from error
    place = {route: (profiles[route].key, i) for i, route in enumerate(routes)}
    for route in reversed(order):
        for before in easier[route]:  # what an easier one waits for comes as early as that
            place[before] = min(place[before], place[route])
    return sorted(order, key=lambda route: place[route])  # stable: equal places keep the order of the constraints


def parse_constraints(texts: Iterable[str], routes: Sequence[str]) -> list[Constraint]:
    """Constraints from ``EASIER:HARDER``. Raises MedmtlError E024 on anything else."""
    constraints: list[Constraint] = []
    for text in texts:
        before, _, after = text.partition(":")
        if before not in routes or after not in routes:
            raise MedmtlError("E024", received=text, expected=list(routes))
        constraints.append((before, after))
    return constraints


def difficulties(profiles: Mapping[str, Profile], metrics: Mapping[str, Any]) -> dict[str, float]:
    """Per route, mean over corpora of ``(1 - score) / (1 - floor)``: 1 is no better than without a model.

    metrics: file name -> what ``medmtl evaluate`` wrote of a single-task pipeline. Where several components read a
    route, the hardest counts. Raises MedmtlError E027 for other content, or a route without scores.
    """
    shares_left: dict[str, list[float]] = {}
    for path, content in metrics.items():
        try:
            corpora = [(corpus["scores"], corpus["floors"]) for corpus in content["corpora"].values()]
            for component in [name for profile in profiles.values() for name in profile.components]:
                shares_left.setdefault(component, []).extend(
                    left for scores, floors in corpora for left in _left(component, scores, floors)
                )
        except (AttributeError, KeyError, TypeError) as error:
            raise MedmtlError("E027", path=path, problem=f"it has another form ({type(error).__name__})") from error
    means = {component: sum(values) / len(values) for component, values in shares_left.items() if values}
    result = {}
    for route, profile in profiles.items():
        known = [means[name] for name in profile.components if name in means]
        if not known:
            problem = f"there are no scores of {', '.join(profile.components)}"
            raise MedmtlError("E027", path=", ".join(metrics), problem=problem)
        result[route] = max(known)
    return result


def _left(component: str, scores: Mapping[str, float], floors: Mapping[str, float]) -> Iterator[float]:
    """What a component's main score leaves of what its floor leaves; nothing where there is no score."""
    name = next((f"{component}_{metric}" for metric in METRICS if f"{component}_{metric}" in scores), "")
    floor = floors.get(name, 0.0)
    if name and floor < 1.0:
        yield (1.0 - scores[name]) / (1.0 - floor)
