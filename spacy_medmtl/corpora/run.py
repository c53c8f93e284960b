"""A conversion from files to files: read, split where asked for, write the Docs and the audit."""

import contextlib
import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Dict, Iterator, List, Optional, Sequence, Set, Tuple

import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin

from ..errors import MedmtlError
from .audit import Audit, Counts
from .docs import split_key
from .formats.lines import input_files
from .registry import Converter, get_converter

# Only what the converters set: absent annotation then stays absent when the file is read.
STORED = ["ORTH", "SENT_START"]


@dataclass(frozen=True)
class Job:
    """What to convert. ``dev_share`` of the texts (whole split groups) goes to ``dev_output``, and likewise
    ``test_share`` to ``test_output``.

    Two ways to leave documents out, for corpora whose published parts overlap and for parts that several jobs make:
    ``without`` are files of the same corpus whose texts are left out, ``places`` the stretch of [0, 1) in which the
    ``position`` of a text must lie. The audit counts them, and lists every loss of the whole input.
    """

    name: str
    inputs: Sequence[Path]
    output: Path
    lang: str = "en"
    on_error: str = "stop"
    seed: int = 0
    dev_share: Optional[float] = None
    dev_output: Optional[Path] = None
    test_share: float = 0.0
    test_output: Optional[Path] = None
    without: Sequence[Path] = ()
    places: Tuple[float, float] = (0.0, 1.0)

    def dev_path(self) -> Path:
        """Where the dev part goes: beside the output unless said otherwise."""
        return self.dev_output or self.output.with_name(f"{self.output.stem}_dev.spacy")


def convert_corpus(job: Job, progress: Callable[[Iterator[Doc]], Iterator[Doc]] = iter) -> Audit:
    """Run a conversion and write ``<output>`` and ``<output>.audit.json``. Nothing is written if it stops.

    Raises MedmtlError E401 (a loss, in stop mode), E402 (an input), E403 (the name), E404 (an option), E405 (no
    documents), E406 (the language), E407 (an output).
    """
    converter = get_converter(job.name)
    _check(job)
    audit = Audit(job.on_error)
    paths = input_files(job.inputs, converter.folder_pattern)
    nlp = _blank(job.lang)
    outputs = [job.output, *([job.dev_path()] if job.dev_share is not None else [])]
    outputs += [job.test_output] if job.test_output is not None else []
    bins: Dict[Path, DocBin] = {path: DocBin(attrs=STORED, store_user_data=False) for path in outputs}
    for path in outputs:
        audit.outputs[str(path)] = Counts()
    known = _known_texts(job, converter, nlp)
    n_changes = 0
    for doc in progress(converter.load()(paths, nlp, audit, seed=job.seed)):
        place = position(split_key(doc), job.seed)
        reason = _left_out(job, place, doc, known)
        if reason:
            audit.note(f"documents left out: {reason}")
            audit.keep_losses(since=n_changes)
        else:
            target = _part(job, place)
            bins[target].add(doc)
            audit.count(str(target), doc)
        n_changes = len(audit.changes)
    if not any(counts.documents for counts in audit.outputs.values()):
        raise MedmtlError("E405", name=job.name, count=len(audit.changes))
    for path, docs in bins.items():
        write_atomically(path, docs.to_bytes())
    write_atomically(audit_path(job.output), _report(job, audit))
    return audit


def _known_texts(job: Job, converter: Converter, nlp: Language) -> Set[str]:
    """The letters of the texts to do without. Losses in their files are for the job that converts those."""
    paths = input_files(job.without, converter.folder_pattern)
    return {_letters(doc) for doc in converter.load()(paths, nlp, Audit("report"), seed=job.seed)}


def _left_out(job: Job, place: float, doc: Doc, known: Set[str]) -> str:
    """Why a document is not wanted, or nothing."""
    if known and _letters(doc) in known:
        return "the text stands in the files to do without"
    return "" if job.places[0] <= place < job.places[1] else "the place of the text is outside the stretch asked for"


def _letters(doc: Doc) -> str:
    """What stays of a text whether or not it was tokenised: its letters and digits, hashed."""
    letters = "".join(filter(str.isalnum, doc.text.lower()))
    return hashlib.sha256(letters.encode()).hexdigest()


def position(key: str, seed: int) -> float:
    """Where in [0, 1) texts with this key stand: by hash, so independent of order and of the other texts."""
    digest = hashlib.sha256(f"{seed}:{key}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def _part(job: Job, place: float) -> Path:
    """The output for texts at a position: the dev part lies at the low end, the test part at the high end."""
    if job.dev_share is not None and place < job.dev_share:
        return job.dev_path()
    if job.test_output is not None and place >= 1.0 - job.test_share:
        return job.test_output
    return job.output


def audit_path(output: Path) -> Path:
    """Where the report of a conversion lies."""
    return output.with_name(f"{output.name}.audit.json")


def write_atomically(path: Path, data: bytes) -> None:
    """Write a whole file or none. Raises MedmtlError E407."""
    part = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(data)
        os.replace(part, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink()
        raise MedmtlError("E407", path=path, problem=f"cannot be written ({error.strerror})") from error


def _check(job: Job) -> None:
    outputs: List[Path] = [job.output]
    if job.dev_share is not None:
        if not 0 < job.dev_share < 1:
            raise MedmtlError("E404", option="--dev-share", received=job.dev_share, expected="a number between 0 and 1")
        outputs.append(job.dev_path())
    elif job.dev_output is not None:
        expected = "--dev-share with it"
        raise MedmtlError("E404", option="--dev-output", received=str(job.dev_output), expected=expected)
    for path in outputs:
        if path.suffix != ".spacy":
            raise MedmtlError("E407", path=path, problem="does not end in .spacy, which spaCy's readers require")
        if path.is_dir():
            raise MedmtlError("E407", path=path, problem="is a folder")
    if len(set(outputs)) < len(outputs):
        raise MedmtlError("E407", path=job.output, problem="is given for both parts")


def _blank(lang: str) -> Language:
    try:
        return spacy.blank(lang)
    except (ImportError, OSError) as error:  # the tokenizers of some languages are packages of their own
        raise MedmtlError("E406", received=lang) from error


def _report(job: Job, audit: Audit) -> bytes:
    header = {
        "converter": job.name,
        "inputs": [str(path) for path in job.inputs],
        "lang": job.lang,
        "seed": job.seed,
        "without": [str(path) for path in job.without],
        "places": job.places,
        "dev_share": job.dev_share,
    }
    text = json.dumps({**header, **audit.as_dict()}, indent=2, ensure_ascii=False)
    return (text + "\n").encode()
