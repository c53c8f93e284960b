"""What a reader is: a format or corpus, the function that reads it, its rules, and what a user must know to get it.

Readers are entry points of the group ``medmtl_readers``: those of this package stand in its ``setup.cfg``, what a user
must know of each in ``catalogue.yml``; any other package may bring its own.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import lru_cache, partial
from importlib.metadata import entry_points
from pathlib import Path
from types import MappingProxyType
from typing import Any

import srsly

from ..errors import MedmtlError, warn
from .audit import Audit
from .options import Option, read_settings
from .record import Record
from .scheme import Scheme

GROUP = "medmtl_readers"
Read = Callable[[Path, Audit], Iterator[Record]]


@dataclass(frozen=True)
class Reader:
    """A format, or a corpus with where its parts lie by default, relative to its folder.

    ``read(path, audit)`` yields the records of a file; what is malformed is a loss, which goes to the audit (and raises
    MedmtlError E401 in stop mode). It may take ``seed`` and, by
    their names, ``options``; those that are fields of a scheme go to that of the reader.
    """

    read: Callable[..., Iterator[Record]]
    scheme: Scheme = field(default_factory=Scheme)
    suffixes: tuple[str, ...] = ()  # of the files that a folder stands for, at any depth; none: no folders
    takes_folders: bool = False  # reads a folder itself
    reads_ahead: bool = False  # reads a whole file before its first record: a loss cannot be told to belong to one
    options: Mapping[str, Option] = field(default_factory=dict)  # what the user may set
    # what a user must know, for ``medmtl corpora``
    help: str = ""
    tasks: Sequence[str] = ()  # the factories that it can train
    lang: str = "en"
    licence: str = ""
    url: str = ""  # where to get it, or to apply for it
    folder: str = ""  # where its parts lie, below a folder of corpora; "": no place of its own
    train: Sequence[str] = ()
    dev: Sequence[str] = ()  # none: the corpus has no dev part, cut one with --dev-share
    dev_repeats_train: bool = False  # whether texts of the train part stand in the dev part, so that it needs them out
    is_verified: bool | None = None  # whether it was ever run on the real files; None: nobody said

    def configured(self, given: Mapping[str, str] = MappingProxyType({}), seed: int = 0) -> tuple[Read, Scheme]:
        """How it reads and by which rules, with what the user set.

        Raises MedmtlError E410 for a setting that it does not have, E411 for a value that it does not take. Reading by
        code of another package raises E417 for whatever fails in it.
        """
        values = read_settings(self.options, given)
        taken = inspect.signature(self.read).parameters
        own = {key: value for key, value in {**values, "seed": seed}.items() if key in taken}
        rules = {rule.name: values[rule.name] for rule in fields(Scheme) if rule.name in values}
        if not rules.get("modifiers", True):
            rules["modifiers"] = None
        read: Read = partial(self.read, **own)
        # of ours, what nobody expected is our fault, and asked to be reported (E500)
        is_ours = self.read.__module__.startswith("spacy_medmtl.")
        return read if is_ours else _told(read, self.read.__module__), replace(self.scheme, **rules).checked()


def _told(read: Read, module: str) -> Read:
    """Raises MedmtlError E417, for whatever the code of others raises in reading."""

    def read_of_others(path: Path, audit: Audit) -> Iterator[Record]:
        n_records = 0
        try:
            for record in read(path, audit):
                yield record
                n_records += 1
        except MedmtlError:
            raise
        except Exception as error:
            problem = type(error).__name__
            raise MedmtlError("E417", module=module, path=path, count=n_records, problem=problem) from error

    return read_of_others


@lru_cache(maxsize=1)
def readers() -> dict[str, Reader]:
    """All readers by name, sorted. One of another package that cannot be loaded, is no ``Reader``, or has the name of
    one of this package is left out, with warning W416."""
    by_name: dict[str, Reader] = {}
    catalogue: dict[str, Any] = dict(srsly.read_yaml(Path(__file__).with_name("catalogue.yml")))
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        if point.value.startswith("spacy_medmtl."):
            by_name[point.name] = replace(point.load(), **{"is_verified": True, **catalogue[point.name]})
            continue
        found: Any = None
        try:
            found = point.load()
            problem = "" if isinstance(found, Reader) else f"it is of the type {type(found).__name__}, expected Reader"
        except Exception as error:  # whatever the code of others may raise
            problem = type(error).__name__
        if point.name in catalogue:
            problem = "spacy-medmtl has a reader of that name"
        if problem:
            warn("W416", name=point.name, value=point.value, problem=problem)
        else:
            by_name[point.name] = found
    return by_name


def get_reader(name: str) -> Reader:
    """The reader with this name. Raises MedmtlError E403 if there is none."""
    if name not in readers():
        raise MedmtlError("E403", received=name, expected=", ".join(readers()))
    return readers()[name]
