"""What may go wrong with the data of a config, found before it is trained: for ``medmtl debug-data``.

For the heads of this package only; what else is in the pipeline is checked by ``spacy debug data``.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spacy import registry, util
from spacy.language import Language
from spacy.schemas import ConfigSchemaTraining
from spacy.tokens import Doc
from spacy.training import Example
from thinc.api import Config, ConfigValidationError

from ..annotations.groups import is_untrimmed
from ..annotations.scoring import corpus_of, places
from ..corpora.lengths import WINDOW, WindowCheck
from ..encoder.pipe import ProgressiveTok2Vec
from ..errors import MedmtlError, message
from ..heads.head import Head
from .finding_checks import FindingChecks
from .given_checks import GivenChecks

PARTS = ("train", "dev")
MIN_PAIRS = 20  # of fewer it is no wonder if all are related
Reader = Callable[[Language], Iterable[Example]]
Progress = Callable[[Iterable[Example], str], Iterable[Example]]


@dataclass
class TaskData:
    """What one part holds for one component: examples by state, labels, gold spans out of reach by reason."""

    annotated: int = 0
    empty: int = 0
    missing: int = 0
    labels: "Counter[str]" = field(default_factory=Counter)
    unusable: "Counter[str]" = field(default_factory=Counter)
    untrimmed: int = 0  # gold mentions that begin or end with white space
    related: int = 0  # pairs of entities that hold a relation
    unrelated: int = 0  # pairs of entities that were judged to hold none
    by_corpus: dict[str, "Counter[str]"] = field(default_factory=dict)


@dataclass
class Gold:
    """What is said about one text for one component: by (place, label), what is said beside; of pairs by (places, ""),
    which labels hold. ``judged``: whether a label was looked for. ``is_whole``: what is not listed is not there."""

    corpus: str
    items: Mapping[Any, Any]
    judged: Callable[[str], bool]
    is_whole: bool


@dataclass
class Report:
    """The data of a config: by component and part; what is wrong (errors) and what may be (warnings), coded."""

    data: dict[str, dict[str, TaskData]]
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        data = {name: {part: vars(task_data) for part, task_data in parts.items()} for name, parts in self.data.items()}
        return {"components": data, "errors": self.errors, "warnings": self.warnings}


def check_config(path: Path, overrides: dict[str, Any], progress: Progress) -> Report:
    """Read both corpora of a config and look at them. Nothing is trained, no encoder is loaded.

    Raises MedmtlError E310 for a config that does not make a pipeline, and whatever the corpus readers raise.
    """
    nlp, readers = _load(path, overrides)
    heads = {name: pipe for name, pipe in nlp.components if isinstance(pipe, Head)}
    report = Report({name: {part: TaskData() for part in PARTS} for name in heads})
    seen: dict[tuple[str, bytes], Gold] = {}
    conflicts: Counter[tuple[str, str, str]] = Counter()
    texts: dict[str, Counter[bytes]] = {part: Counter() for part in PARTS}
    window = _window(nlp)
    n_over: Counter[str] = Counter()
    findings = FindingChecks(nlp)
    given = GivenChecks(heads.values())
    for part, reader in readers.items():
        for example in given.watch(findings.watch(progress(reader(nlp), part), part), part):
            key = _text_key(example.reference)
            if not texts[part][key]:  # a text may stand in several entries, one per task
                n_over[part] += window.n_over(example.reference)
            texts[part][key] += 1
            for name, head in heads.items():
                _count(report.data[name][part], head, example)
                gold = _gold(head, example.reference)
                if part == "train" and gold is not None:
                    # each text against the first of its kind: one disagreement is one text, whichever comes later
                    first = seen.setdefault((name, key), gold)
                    conflicts[name, first.corpus, gold.corpus] += _differ(first, gold)
    _judge(report, {name: head.spans_key for name, head in heads.items()})
    for name, parts in report.data.items():
        related, unrelated = parts["train"].related, parts["train"].unrelated
        if heads[name].has_given_units and related >= MIN_PAIRS and not unrelated:
            report.warnings.append(message("W319", name=name, count=related))
    findings.report(report.errors, report.warnings)
    report.warnings += given.report()
    for name, pipe in nlp.components:
        unread = pipe.unread_routes() if isinstance(pipe, ProgressiveTok2Vec) else []
        if unread:
            report.errors.append(message("E028", name=name, routes=unread))
    exactness = "" if window.tokenizer is not None else " (at least: no tokenizer was found, so tokens were counted)"
    for part in PARTS:
        if n_over[part]:
            text = message("W313", count=n_over[part], part=part, window=window.size, exactness=exactness)
            report.warnings.append(text)
    for (name, first_corpus, other_corpus), count in sorted(conflicts.items()):
        if count:
            report.warnings.append(message("W314", name=name, count=count, first=first_corpus, other=other_corpus))
    n_shared = len(texts["train"].keys() & texts["dev"].keys())
    if n_shared:
        report.warnings.append(message("W315", count=n_shared))
    return report


def _load(path: Path, overrides: dict[str, Any]) -> tuple[Language, dict[str, Reader]]:
    try:
        # the encoder's loader in [initialize] is not resolved, so no weights are read
        raw = util.load_config(path, overrides=overrides, interpolate=False)
        nlp = util.load_model_from_config(raw, auto_fill=True)
        config: Config = nlp.config.interpolate()
        training = registry.resolve(config["training"], schema=ConfigSchemaTraining)
        names = [training["train_corpus"], training["dev_corpus"]]
        train, dev = util.resolve_dot_names(config, names)
    except MedmtlError:
        raise
    except Exception as error:  # of configs, registries, schemas and files there are many kinds
        problem = _cause(error) if path.is_file() else "it does not exist"
        raise MedmtlError("E310", path=path, problem=problem) from error
    return nlp, {"train": train, "dev": dev}


# spaCy's messages of unknown factories and functions, which name these; others name files
QUOTED = ("[E002]", "[E004]", "[E893]")


def _cause(error: Exception) -> str:
    """What is wrong with a config, without its values or lines: they can be paths with names in them, or no config."""
    if isinstance(error, ConfigValidationError) and error.errors:  # without, it quotes what it could not parse
        return "; ".join(f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in error.errors[:3])
    text = " ".join(str(error).split())
    known = text[:300] if text.startswith(QUOTED) else ""
    return f"{type(error).__name__}{': ' if known else ''}{known}"


def _window(nlp: Language) -> WindowCheck:
    """The window of the shared encoder, with its tokenizer where the config names a folder that has one."""
    config = nlp.config.interpolate()
    for name, component in config["components"].items():
        if component.get("factory") == "medmtl_progressive_tok2vec":
            loader = config["initialize"]["components"].get(name, {}).get("loader", {})
            folder = Path(str(loader.get("path") or ""))
            tokenizer_folder = folder if (folder / "tokenizer.json").is_file() else None
            return WindowCheck(tokenizer_folder, component["model"].get("window", WINDOW))
    return WindowCheck()


def _count(data: TaskData, head: Head, example: Example) -> None:
    gold = _gold(head, example.reference)
    state = "missing" if gold is None else "annotated" if gold.items else "empty"
    setattr(data, state, getattr(data, state) + 1)
    if gold is not None:
        data.by_corpus.setdefault(gold.corpus, Counter())[state] += 1
        data.labels.update(head.gold_labels(example.reference))
        if head.entities_key is not None:
            n_related = sum(bool(labels) for labels in gold.items.values())
            data.related += n_related
            data.unrelated += len(gold.items) - n_related
        data.unusable.update(head.unusable(example))
        if not head.has_given_units:  # a sentence ends with its line break
            spans = example.reference.spans.get(head.spans_key, ())
            data.untrimmed += sum(is_untrimmed(span) for span in spans)


def _gold(head: Head, doc: Doc) -> Gold | None:
    """What a reference Doc says to a head; None if it is not annotated for it."""
    items, place = head.items(doc), places(doc)
    if items is None:
        return None
    said: dict[Any, Any] = {}
    for item in items:
        where = tuple(place(*bounds) for bounds in item.bounds)
        # a pair may be judged and hold no label, so what is compared is its list of labels
        if len(where) > 1:  # of a pair it is said which labels hold
            said[where, ""] = sorted(item.labels)
        else:
            said.update({(where, label): item.status for label in item.labels})
    return Gold(corpus_of(doc) or "", said, head.judges(doc), head.lists_all(doc))


def _differ(first: Gold, gold: Gold) -> bool:
    """Whether two say different things about one text, where both were asked."""
    if any(gold.items[place] != value for place, value in first.items.items() if place in gold.items):
        return True
    return first.is_whole and gold.is_whole and _judged(first, gold) != _judged(gold, first)


def _judged(gold: Gold, by: Gold) -> dict[Any, Any]:
    """The items of ``gold`` that ``by`` would have too."""
    return {(where, label): said for (where, label), said in gold.items.items() if by.judged(label)}


def _judge(report: Report, keys: dict[str, str]) -> None:
    for name, parts in report.data.items():
        train, dev = parts["train"], parts["dev"]
        if not train.labels:
            report.errors.append(message("E311", name=name, key=keys[name]))
        if not dev.annotated + dev.empty:
            report.warnings.append(message("W310", name=name))
        unseen = sorted(dev.labels.keys() - train.labels.keys())
        if unseen:
            report.warnings.append(message("W311", name=name, labels=unseen))
        for part, data in parts.items():
            for reason, count in sorted(data.unusable.items()):
                report.warnings.append(message("W312", name=name, count=count, part=part, reason=reason))
            if data.untrimmed:
                report.warnings.append(message("W316", name=name, count=data.untrimmed, part=part))


def _text_key(doc: Doc) -> bytes:
    return hashlib.blake2b("".join(doc.text.split()).encode(), digest_size=16).digest()
