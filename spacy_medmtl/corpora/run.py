"""A conversion from files to files: read, split where asked for, write the Docs and the audit."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass, field
from itertools import combinations, product
from pathlib import Path
from typing import Any

import spacy
from spacy.language import Language
from spacy.tokens import Doc, SpanGroup

from ..errors import MedmtlError
from .audit import Audit
from .audit_page import audit_page
from .counts import Counts
from .formats.files import input_files
from .leakage import between, letters, read_prints
from .lengths import WindowCheck
from .outputs import DocFile, check_output, write_atomically
from .reader import Reader, get_reader
from .spans import split_key
from .writer import Advance, convert_records

# From the bytes that there are to read, to what is told how many were read
Progress = Callable[[int], AbstractContextManager[Advance]]


def no_progress(total: int) -> AbstractContextManager[Advance]:
    """Show nothing."""
    return nullcontext(lambda n_bytes: None)


def blank_pipeline(lang: str) -> Language:
    """spaCy's tokenizer for a language. Raises MedmtlError E406 where there is none."""
    try:
        return spacy.blank(lang)
    # a package that its tokenizer needs is not there or not whole; a module beside the languages, as 'punctuation'
    except (ImportError, OSError, ValueError, AttributeError) as error:
        raise MedmtlError("E406", received=lang) from error


@dataclass(frozen=True)
class Job:
    """What to convert. ``dev_share`` of the texts (whole split groups) goes to ``dev_output``, and likewise
    ``test_share`` to ``test_output``.

    Two ways to leave documents out, for corpora whose published parts overlap and for parts that several jobs make:
    ``without`` are files of the same corpus whose texts are left out, ``places`` the stretch of [0, 1) in which the
    ``position`` of a text must lie. The audit counts them, and lists every loss of the whole input.

    ``groups``: span group -> the key that it is stored under instead, where several components of one kind, each with
    a ``spans_key`` of its own, learn from several corpora.

    ``on_error``, ``on_misaligned`` and ``encoding``: see ``Audit``. ``against``: converted files (or folders of them)
    whose texts must not occur again. ``tokenizer``: folder of an encoder, see ``WindowCheck``.
    """

    name: str
    inputs: Sequence[Path]
    output: Path
    lang: str = "en"
    on_error: str = "stop"
    seed: int = 0
    dev_share: float | None = None
    dev_output: Path | None = None
    test_share: float = 0.0
    test_output: Path | None = None
    without: Sequence[Path] = ()
    places: tuple[float, float] = (0.0, 1.0)
    settings: Mapping[str, str] = field(default_factory=dict)  # of the reader, as the user wrote them
    on_misaligned: str = "expand"
    against: Sequence[Path] = ()
    tokenizer: Path | None = None
    encoding: str = "utf-8"
    groups: Mapping[str, str] = field(default_factory=dict)

    def dev_path(self) -> Path:
        """Where the dev part goes: beside the output unless said otherwise."""
        return self.dev_output or self.output.with_name(f"{self.output.stem}_dev{self.output.suffix}")

    def outputs(self) -> list[Path]:
        """The files that it writes."""
        dev = [self.dev_path()] if self.dev_share is not None else []
        return [self.output, *dev, *([self.test_output] if self.test_output is not None else [])]


def convert_corpus(job: Job, progress: Progress = no_progress) -> Audit:
    """Run a conversion and write ``<output>``, ``<output>.audit.json`` and the same for readers, ``.audit.html``.
    Nothing is written if it stops.

    Raises MedmtlError E401 (a loss, in stop mode), E402 (an input), E403 (the name), E404 (an option), E405 (no
    documents), E406 (the language), E407 (an output), E410 or E411 (a setting), E414 (findings of no label), E415 (a
    package), E430 (a file to compare with), E431 (the tokenizer), E432 (a reader that cannot skip).
    """
    reader = get_reader(job.name)
    _check(job, reader)
    audit = Audit(job.on_error, job.on_misaligned, job.encoding)
    audit.window = WindowCheck(job.tokenizer)
    read, scheme = reader.configured(job.settings, job.seed)
    paths = input_files(job.inputs, reader.suffixes, takes_folders=reader.takes_folders)
    nlp = blank_pipeline(job.lang)
    against = {str(path): read_prints(path) for path in job.against}
    known = _known_texts(job, reader, nlp)
    with ExitStack() as stack:
        outputs = {path: DocFile(path) for path in job.outputs()}
        for path, output in outputs.items():
            stack.callback(output.abandon)
            audit.outputs[str(path)] = Counts()
        n_bytes = sum(path.stat().st_size for path in paths if path.is_file())
        advance = stack.enter_context(progress(n_bytes * (2 if scheme.is_read_twice else 1)))
        n_changes = 0
        for doc in convert_records(read, scheme, paths, nlp, audit, advance):
            place = position(split_key(doc), job.seed)
            reason = _left_out(job, place, doc, known)
            if reason:
                audit.keep_losses(since=n_changes)
            elif audit.skip(since=n_changes):
                reason = "something of it was lost"
            if reason:
                audit.note(f"documents left out: {reason}")
            else:
                target = _part(job, place)
                audit.count(str(target), doc)
                outputs[target].add(_with_groups(doc, job.groups))
            n_changes = len(audit.changes)
        if not any(counts.documents for counts in audit.outputs.values()):
            raise MedmtlError("E405", name=job.name, count=len(audit.changes), cause=_cause(audit))
        for output in outputs.values():
            output.finish()
    own = {name: counts.prints for name, counts in audit.outputs.items()}
    pairs = [*combinations(own, 2), *product(against, own)]
    audit.leaks = between({**against, **own}, pairs)
    report = _report(job, audit)
    written = {"json": json.dumps(report, indent=2, ensure_ascii=False) + "\n", "html": audit_page(report)}
    for kind, text in written.items():
        # a file's name may be no UTF-8
        write_atomically(audit_path(job.output, kind), text.encode(errors="backslashreplace"))
    return audit


def _cause(audit: Audit) -> str:
    """Why nothing came out, as far as the audit knows."""
    if audit.changes:
        first = audit.changes[0]
        return f", the first in {first.file}, line {first.line}: {first.reason}"
    notes = [f"{note}: {n}" for note, n in sorted(audit.notes.items()) if n]
    return f"; {', '.join(notes)}" if notes else ""


def _known_texts(job: Job, reader: Reader, nlp: Language) -> set[bytes]:
    """The letters of the texts to do without. Losses in their files are for the job that converts those."""
    paths = input_files(job.without, reader.suffixes, takes_folders=reader.takes_folders)
    read, scheme = reader.configured(job.settings, job.seed)
    return {letters(doc) for doc in convert_records(read, scheme, paths, nlp, Audit("report", encoding=job.encoding))}


def _left_out(job: Job, place: float, doc: Doc, known: set[bytes]) -> str:
    """Why a document is not wanted, or nothing."""
    if known and letters(doc) in known:
        return "the text stands in the files to do without"
    return "" if job.places[0] <= place < job.places[1] else "the place of the text is outside the stretch asked for"


def position(key: str, seed: int) -> float:
    """Where in [0, 1) texts with this key stand: by hash, so independent of order and of the other texts."""
    digest = hashlib.sha256(f"{seed}:{key}".encode(errors="surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def _with_groups(doc: Doc, groups: Mapping[str, str]) -> Doc:
    """The Doc, its span groups under the keys that they are stored under."""
    for key, target in groups.items():
        if key in doc.spans:
            given = doc.spans.pop(key)
            doc.spans[target] = SpanGroup(doc, name=target, attrs=dict(given.attrs), spans=list(given))
    return doc


def _part(job: Job, place: float) -> Path:
    """The output for texts at a position: the dev part lies at the low end, the test part at the high end."""
    if job.dev_share is not None and place < job.dev_share:
        return job.dev_path()
    if job.test_output is not None and place >= 1.0 - job.test_share:
        return job.test_output
    return job.output


def audit_path(output: Path, kind: str = "json") -> Path:
    """Where the report of a conversion lies; ``kind``: json, or html for readers."""
    return output.with_name(f"{output.name}.audit.{kind}")


def _check(job: Job, reader: Reader) -> None:
    if job.dev_share is not None:
        if not 0 < job.dev_share < 1:
            raise MedmtlError("E404", option="--dev-share", received=job.dev_share, expected="a number between 0 and 1")
    elif job.dev_output is not None:
        expected = "--dev-share with it"
        raise MedmtlError("E404", option="--dev-output", received=str(job.dev_output), expected=expected)
    if job.on_error == "skip" and reader.reads_ahead:
        raise MedmtlError("E432", name=job.name)
    for path in job.outputs():
        check_output(path)
    if len(set(job.outputs())) < len(job.outputs()):
        raise MedmtlError("E407", path=job.output, problem="is given for both parts")


def _report(job: Job, audit: Audit) -> dict[str, Any]:
    header = {
        "converter": job.name,
        "inputs": [str(path) for path in job.inputs],
        "lang": job.lang,
        "encoding": job.encoding,
        "seed": job.seed,
        "settings": dict(job.settings),
        "without": [str(path) for path in job.without],
        "places": job.places,
        "dev_share": job.dev_share,
        "groups": dict(job.groups),
    }
    return {**header, **audit.as_dict()}
