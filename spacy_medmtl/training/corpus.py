"""The corpus reader: several corpora by name, each with the tasks that it trains."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy
from spacy.attrs import SENT_START
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.training.corpus import walk_corpus
from spacy.util import filter_spans
from spacy.vocab import Vocab

from ..annotations.groups import ANNOTATED_LABELS, ENTS, GIVEN, GIVEN_SPANS_ONLY, TURNS, TYPE_SEPARATOR, write_group
from ..annotations.scoring import CORPUS
from ..annotations.travelling import PLACES
from ..errors import MedmtlError
from ..heads.alignment import aligned_bounds
from ..heads.head import Head
from .gold_docs import GoldDocs, decoded_docs

Reader = Callable[[Language], Iterable[Example]]
Augmenter = Callable[[Language, Example], Iterator[Example]]
FileReader = Callable[[Path, str, Vocab], Iterator[Doc]]
MISSING_VALUE, NO_START = 0, 2**64 - 1  # spaCy's codes of SENT_START; the second is -1, unsigned


@dataclass(frozen=True)
class CorpusEntry:
    """One named corpus: a ``.spacy`` file or a folder of them, the components that it trains (None: all), how many Docs
    of it are read (0: all), what its entity labels are kept apart by (nothing: they are those of other corpora)."""

    name: str
    path: Path
    tasks: list[str] | None
    limit: int
    type_prefix: str = ""


def multitask_corpus(
    corpora: dict[str, dict[str, Any]], gold_sents: bool = False, augmenter: Augmenter | None = None
) -> Reader:
    """``spacy-medmtl.MultitaskCorpus.v1``: Examples of several corpora.

    corpora: name -> ``path`` (a ``.spacy`` file or a folder), ``tasks`` (names of the components that learn from it,
        all if left out), ``limit`` (number of Docs, 0 or left out for all), ``type_prefix`` (the labels of its span
        groups become "<prefix>$<label>", for corpora that mean different things by one label). A path may stand in
        several entries, one per task: then every batch is about one task. What belongs to other components is taken off
        the reference Docs, so it is neither learnt nor scored. Entities that ``pair_relation`` relates are given to the
        Docs that are to be annotated, unless a component of the pipeline finds them.
    gold_sents: give the Docs that are to be annotated the corpus's own sentence boundaries.
    augmenter: what makes several Examples of one, as in spaCy's own reader; all count as of the same corpus. Those of
        spaCy leave out the values of span groups, which are put back.

    A reader is called once for all heads that are initialised, and once for training. It decodes a file the first
    time, and keeps its gold Docs in memory (about a quarter of a kilobyte a token) as long as it lives, for the same
    pipeline and until the file changes. Examples are made anew, by the present tokenizer and components.

    Raises MedmtlError E301 for a missing or empty corpus or a malformed entry, E302 for an unknown task.
    """
    entries = [corpus_entry(name, settings) for name, settings in corpora.items()]
    gold_docs = GoldDocs()

    def read(nlp: Language) -> Iterator[Example]:
        given, entities = given_keys(nlp), unwritten_entities(nlp)
        for entry in entries:
            for example in read_entry(entry, nlp, gold_sents=gold_sents, read_file=gold_docs.read):
                for made in augmenter(nlp, example) if augmenter else [example]:
                    if _has_lost_values(made, example):
                        _give_values(made, example)
                        _give_all(made, given, entities, gold_sents=gold_sents)
                    # an augmenter makes new Docs, which know nothing of corpora
                    made.reference.user_data[CORPUS] = entry.name
                    yield made

    return read


def corpus_entry(name: str, settings: dict[str, Any]) -> CorpusEntry:
    """An entry as a config has it. Raises MedmtlError E301 where it is malformed."""
    unknown = set(settings) - {"path", "tasks", "limit", "type_prefix"}
    if unknown or not settings.get("path"):
        problem = f"has the setting(s) {sorted(unknown)}" if unknown else "has no path"
        problem += "; expected path, tasks, limit, type_prefix"
        raise MedmtlError("E301", name=name, path="its entry", problem=problem)
    tasks, limit = settings.get("tasks"), settings.get("limit") or 0
    if not isinstance(limit, int) or limit < 0:
        raise MedmtlError("E301", name=name, path="its entry", problem=f"has the limit {limit!r}, not a number of Docs")
    if not (tasks is None or isinstance(tasks, (list, tuple))):
        raise MedmtlError("E301", name=name, path="its entry", problem=f"has the tasks {tasks!r}, not a list of names")
    prefix = str(settings.get("type_prefix") or "")
    return CorpusEntry(name, Path(settings["path"]), None if tasks is None else list(tasks), limit, prefix)


def read_entry(
    entry: CorpusEntry, nlp: Language, *, gold_sents: bool, read_file: FileReader = decoded_docs
) -> Iterator[Example]:
    """Examples of one corpus, restricted to its tasks. read_file: gives Docs that may be changed."""
    foreign = foreign_keys(nlp, entry)
    keeps_ents, keeps_cats = keeps_stock(nlp, entry)
    given, entities = given_keys(nlp), unwritten_entities(nlp)
    written = {key for _, pipe in nlp.components for key in [_written_key(pipe)] if isinstance(key, str)}
    n_read = 0
    for reference in _docs(entry, nlp, read_file):
        if entry.limit and n_read >= entry.limit:
            break
        n_read += 1
        for key in foreign:
            reference.spans.pop(key, None)
        if not keeps_ents:
            reference.set_ents([], default="missing")
        if not keeps_cats:
            reference.cats = {}
        if entry.type_prefix:
            _keep_types_apart(reference, entry, written)
        reference.user_data[CORPUS] = entry.name
        # restricted before the example is made: spaCy aligns, scores and counts what stands on the reference
        example = _example(nlp, reference)
        _give_all(example, given, entities, gold_sents=gold_sents)
        yield example
    if not n_read:
        raise MedmtlError("E301", name=entry.name, path=entry.path, problem="holds no documents")


def _has_lost_values(made: Example, example: Example) -> bool:
    """Whether an augmenter made the reference of the annotation that spaCy knows, as spaCy's own do, which leaves out
    the values of span groups."""
    groups = {key: group for key, group in made.reference.spans.items() if key in example.reference.spans}
    with_values = [key for key in groups if example.reference.spans[key].attrs]
    return made is not example and bool(with_values) and not any(groups[key].attrs for key in with_values)


def _give_values(made: Example, example: Example) -> None:
    """The values of the groups that an augmenter changed the words of, each by the number of its span."""
    doc, reference = made.reference, example.reference
    doc.user_data.update({key: value for key, value in reference.user_data.items() if isinstance(key, str)})
    for key, group in reference.spans.items():
        if key in doc.spans and len(doc.spans[key]) == len(group):
            doc.spans[key].attrs.update({name: value for name, value in group.attrs.items() if name != PLACES})


def _give_all(example: Example, given: dict[str, str], entities: set[str], *, gold_sents: bool) -> None:
    """What is known of a Doc before anything is predicted. given, entities: see ``_give_spans``."""
    if gold_sents:
        _give_sentences(example)
    _give_turns(example)
    _give_spans(example, given, entities)


def _keep_types_apart(doc: Doc, entry: CorpusEntry, written: set[str]) -> None:
    """Prefix the labels of the gold: of the span groups that components write. What else is there (turns, entities that
    are given) is no gold. Of relations the labels are prefixed, and not the types of what they relate.

    Raises MedmtlError E301 for a group that does not name its labels: those of other corpora would count as annotated,
    and absent.
    """
    prefix = f"{entry.type_prefix}{TYPE_SEPARATOR}"
    for key, group in [(key, group) for key, group in doc.spans.items() if key in written]:
        declared = group.attrs.get(ANNOTATED_LABELS)
        if declared is None:
            problem = f"has a type_prefix, but its span groups '{key}' do not name their '{ANNOTATED_LABELS}'"
            raise MedmtlError("E301", name=entry.name, path=entry.path, problem=problem)
        attrs = {**group.attrs, ANNOTATED_LABELS: [f"{prefix}{label}" for label in declared]}
        attrs.pop(PLACES, None)  # by the labels as they were
        if "labels" in attrs:
            attrs["labels"] = [[f"{prefix}{label}" for label in labels] for labels in attrs["labels"]]
            group.attrs = attrs
        else:
            spans = [Span(doc, span.start, span.end, label=f"{prefix}{span.label_}") for span in group]
            write_group(doc, key, spans).attrs.update(attrs)


def given_keys(nlp: Language) -> dict[str, str]:
    """The first span group in which components that judge given spans look for them, by the key of what they write;
    "ents" for those that look nowhere else."""
    keys: dict[str, str] = {}
    for head in _heads(nlp):
        if head.given_keys:
            groups = [source for source in head.given_keys if source != ENTS]
            keys[head.spans_key] = groups[0] if groups else ENTS
    return keys


def unwritten_entities(nlp: Language) -> set[str]:
    """Span groups of entities that a component relates to one another and that no component finds."""
    read = {head.entities_key for head in _heads(nlp)}
    return {key for key in read - {_written_key(pipe) for _, pipe in nlp.components} if key is not None}


def _heads(nlp: Language) -> list[Head]:
    return [pipe for _, pipe in nlp.components if isinstance(pipe, Head)]


def _written_key(pipe: Any) -> Any:
    """The span group that a component writes, if it does; spaCy's call it ``key``."""
    return getattr(pipe, "spans_key", None) or getattr(pipe, "key", None)


def _give_sentences(example: Example) -> None:
    """The corpus's own sentence boundaries, where it has them. As one array: token by token takes most of the time."""
    codes = {None: MISSING_VALUE, False: NO_START, True: 1}
    starts = [codes[is_start] for is_start in example.get_aligned_sent_starts()]
    array: Any = numpy.asarray(starts, dtype="uint64")
    example.predicted.from_array([SENT_START], array)


def _give_turns(example: Example) -> None:
    """Who spoke when is known of a dialogue before anything is predicted."""
    turns, doc = example.reference.spans.get(TURNS), example.predicted
    if turns is not None:
        group = write_group(doc, TURNS, _twins(example, turns))
        # values go by the number of their span
        if len(group) == len(turns):  # a blank turn has no twin
            group.attrs.update(turns.attrs)


def _give_spans(example: Example, given: dict[str, str], entities: set[str]) -> None:
    """Where a corpus judged given spans only, the Doc to annotate gets them too, without their status (as entities
    those that do not overlap longer ones); and it gets the entities that are to be related if no component finds them.
    """
    for key, group in example.reference.spans.items():
        if group.attrs.get(GIVEN_SPANS_ONLY) or key in entities:
            doc, spans = example.predicted, _twins(example, group)
            target = key if key in entities else given.get(key, GIVEN)
            if target == ENTS:
                doc.set_ents(filter_spans(spans))
            else:
                write_group(doc, target, spans)


def _twins(example: Example, spans: Iterable[Span]) -> list[Span]:
    """Spans of the reference Doc as those of the Doc to annotate, widened to its tokens, without blank ones."""
    given = [(span.start, span.end, span.label_) for span in spans]
    aligned = aligned_bounds(example, [(start, end) for start, end, _ in given], mode="expand")
    return [Span(example.predicted, *bounds, label=label) for bounds, (_, _, label) in zip(aligned, given) if bounds]


def _docs(entry: CorpusEntry, nlp: Language, read_file: FileReader) -> Iterator[Doc]:
    """All Docs of a corpus. An error tells a file of a folder by its number: its name, which nobody typed, may be a
    patient's."""
    if not entry.path.exists():
        raise MedmtlError("E301", name=entry.name, path=entry.path, problem="does not exist; run the converter first")
    # sorted: file systems list files in any order, and a limit takes the first ones
    for number, path in enumerate(sorted(walk_corpus(entry.path, ".spacy")), start=1):
        try:
            yield from read_file(path, entry.name, nlp.vocab)
        except MedmtlError as error:
            if path == entry.path:
                raise
            where = f"{entry.path}, .spacy file {number} in alphabetical order,"
            raise MedmtlError("E301", name=entry.name, path=where, problem=error.values["problem"]) from None


def _example(nlp: Language, reference: Doc) -> Example:
    if reference.has_unknown_spaces:
        words, spaces = [token.text for token in reference], [bool(token.whitespace_) for token in reference]
        return Example(Doc(nlp.vocab, words=words, spaces=spaces), reference)
    return Example(nlp.make_doc(reference.text), reference)


def foreign_keys(nlp: Language, entry: CorpusEntry) -> set[str]:
    """Span groups of components that this corpus does not train. Raises MedmtlError E302 for an unknown task."""
    if entry.tasks is None:
        return set()
    # nlp.components, not nlp.pipeline: while spaCy initialises, frozen and resumed components are disabled
    unknown = [task for task in entry.tasks if task not in nlp.component_names]
    if unknown:
        raise MedmtlError("E302", name=entry.name, received=unknown, expected=nlp.component_names)
    keys: dict[bool, set[str]] = {True: set(), False: set()}
    for name, pipe in nlp.components:
        key = _written_key(pipe)
        if isinstance(key, str):
            keys[name in entry.tasks].add(key)
    # a group that two components share is kept where either is trained
    return keys[False] - keys[True]


def keeps_stock(nlp: Language, entry: CorpusEntry) -> tuple[bool, bool]:
    """Whether a component that learns ``doc.ents``, or ``doc.cats``, is among the tasks of a corpus."""
    if entry.tasks is None:
        return True, True
    trained = [(nlp.get_pipe_meta(name).factory, nlp.get_pipe(name)) for name in entry.tasks]
    ents = any(factory in ("ner", "beam_ner") for factory, _ in trained)
    cats = any(
        factory.startswith("textcat") or (isinstance(pipe, Head) and pipe.uses_cats) for factory, pipe in trained
    )
    return ents, cats
