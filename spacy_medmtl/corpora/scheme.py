"""What becomes of a corpus's annotations: which are entities, which findings, what attributes say, what was judged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..annotations.extensions import MODIFIERS, STATUSES
from ..annotations.groups import INTENTS
from ..errors import MedmtlError
from .options import DEFAULT_MEANINGS, Meanings
from .record import FALSE, Attributes, Entity, Record

FINDING = "Finding"  # the label of all findings of the published corpora
NER, FINDINGS_ONLY, BOTH = "ner", "findings", "both"
GROUP = "group"  # an attribute that our exports write
_TRUE, _FALSE = ("true", "yes", "y", "1"), ("false", "no", "n", "0")


@dataclass(frozen=True)
class Scheme:
    """The rules of a corpus, or those that a user gave for data of their own (``options`` says what they mean).

    types: of the file -> label; a mention of another type is a loss. None: any type, as it is.
    finding_types: the types whose mentions are findings. None: all; of an open scheme ``labels``, or those of which
        any mention has an attribute with a meaning; one of these without such an attribute has the ``default_status``.
    finding_label: of all findings. None: that of the mention.
    default_status: None: a mention without a status is no finding.
    modifiers: those that the corpus judged. None: those whose attributes occur, of a closed scheme none.
    classes, relations: all labels of intents (or ``doc.cats``) and of relations.
    kinds: (type of the head, type of the tail) of pairs that count as judged to hold nothing where no relation is
        stated, if they stand at most ``reach`` sentences apart; see ``judged``.
    given_only: the corpus judged the findings that it names, and not the text between them.
    links_texts: pairs that share a text, also by way of other pairs, stay together in a split.
    is_open: what the scheme does not name is what occurs in the input, which is read once for that.
    declares: whether groups name the labels that were annotated; else all labels of the component count as such.
    """

    group: str = NER
    types: Mapping[str, str] | None = None
    labels: tuple[str, ...] = ()
    finding_types: Sequence[str] | None = None
    finding_label: str | None = None
    default_status: str | None = "positive"
    statuses: Meanings = field(default_factory=lambda: DEFAULT_MEANINGS)
    modifiers: tuple[str, ...] | None = None
    discontinuous: str = "cover"
    unit: str = "sentence"
    spans_key: str = INTENTS
    classes: Sequence[str] = ()
    relations: Sequence[str] = ()
    kinds: Sequence[tuple[str, str]] = ()
    reach: int = 0
    given_only: bool = False
    links_texts: bool = False
    is_open: bool = False
    declares: bool = True

    @property
    def is_read_twice(self) -> bool:
        """Whether the whole input has to be seen before the first record is written."""
        return self.is_open or self.links_texts

    def checked(self) -> "Scheme":
        """The scheme, with no modifiers read as any. Raises MedmtlError E411 for a meaning that nobody named."""
        known = {*STATUSES, *MODIFIERS, *(self.modifiers or ())}
        for (name, _), targets in self.statuses.items():
            unknown = [target for target in targets if target not in known and target != name]
            if unknown:
                expected = f"meanings of {', '.join(sorted(known))}, or a modifier that the setting 'modifiers' names"
                raise MedmtlError("E411", key="statuses", received="+".join(targets), expected=expected)
        return self

    def label(self, entity: Entity) -> str | None:
        """Of an entity in the output; None for a type that the corpus does not have."""
        return entity.label if self.types is None else self.types.get(entity.label)

    def meaning(self, name: str, value: str) -> tuple[str, ...] | None:
        """The status and modifiers that an attribute stands for, () for one that says that nothing holds; None for one
        that the scheme does not know."""
        key, said = name.lower(), value.lower()
        if key == GROUP and value in (NER, FINDINGS_ONLY):
            return ()
        if (key, said) in self.statuses:
            return self.statuses[key, said]
        flagged = self.statuses.get((key, ""))
        if flagged == () or (said in _FALSE and (flagged is not None or value == FALSE) and self.knows(name)):
            return ()
        return flagged if said in _TRUE else None

    def knows(self, name: str) -> bool:
        """Whether any value of an attribute has a meaning."""
        return any(name.lower() == known for known, _ in self.statuses)

    def says_something(self, name: str) -> bool:
        """Whether any value of an attribute gives a status or a modifier."""
        return any(name.lower() == known and bool(targets) for (known, _), targets in self.statuses.items())

    def judgement(self, attributes: Attributes) -> tuple[str | None, tuple[str, ...], str]:
        """The status and modifiers that attributes give (None: they give no status), and what is wrong with them."""
        targets: set[str] = set()
        for name, value in attributes:
            said = self.meaning(name, value)
            if said is None and self.knows(name):
                which = f"the attribute {name}" if len(name) < 100 and name.isprintable() else "an attribute"
                return None, (), f"{which} has a value without a meaning in the setting 'statuses'"
            targets.update(said or ())
        statuses = targets & set(STATUSES)
        modifiers = in_order(targets - set(STATUSES))
        if len(statuses) > 1:
            return None, (), "attributes that give two statuses"
        if self.is_open and self.modifiers is not None and not set(modifiers) <= set(self.modifiers):
            return None, (), "a modifier that is not among those of the setting 'modifiers'"
        return next(iter(statuses), None), modifiers, ""


def own_names(*names: str) -> dict[str, str]:
    """Types that are the labels of the output too."""
    return {name: name for name in names}


def only_group(entity: Entity) -> str | None:
    """Where an export says that a mention belongs, if it is not both an entity and a finding: to NER or FINDINGS_ONLY
    (the attribute ``group``)."""
    groups = (value for name, value in entity.attributes if name.lower() == GROUP)
    return next((value for value in groups if value in (NER, FINDINGS_ONLY)), None)


@dataclass
class Names:
    """What occurs in the input at all, by which an open scheme goes."""

    labels: set[str] = field(default_factory=set)
    flagged: set[str] = field(default_factory=set)  # types of which a mention has an attribute with a meaning
    attributes: set[str] = field(default_factory=set)
    modifiers: set[str] = field(default_factory=set)
    relations: set[str] = field(default_factory=set)
    classes: set[str] = field(default_factory=set)

    def add(self, record: Record, scheme: Scheme) -> None:
        """Note what a record has."""
        (self.classes if record.entities is None else self.labels).update(record.declared_labels)
        self.relations.update(record.declared_relations)
        for entity in record.entities or ():
            only = only_group(entity)
            if only != FINDINGS_ONLY:
                self.labels.add(entity.label)
            for name, _ in entity.attributes if only != NER else ():
                self.attributes.add(name)
                if scheme.says_something(name):
                    self.flagged.add(entity.label)
                    named = (targets for (key, _), targets in scheme.statuses.items() if key == name.lower())
                    self.modifiers.update(target for targets in named for target in targets if target not in STATUSES)
        self.relations.update(link.label for link in record.links or () if link.label is not None)
        self.relations.update(filter(None, [record.verdict]))
        self.classes.update(record.classes or (), (label for _, label in record.units or ()))


def in_order(modifiers: "set[str]") -> tuple[str, ...]:
    """Modifiers as they are written: the common ones first."""
    return (*(name for name in MODIFIERS if name in modifiers), *sorted(modifiers - set(MODIFIERS)))
