"""Texts and sentences with a class: COVID-Q and KUAKE-QIC (what a question is about), PIBOSO (the role of a sentence in
the abstract of a trial), MTS-Dialog (the section of a note that a dialogue belongs to)."""

import re
from collections.abc import Iterator
from pathlib import Path

from ...annotations.groups import INTENTS
from ..audit import Audit, Place, need, one_of
from ..formats.csv_rows import read_csv
from ..formats.files import read_lines
from ..formats.json_files import read_json
from ..formats.json_values import object_with
from ..reader import Reader
from ..record import EXACT, Record, joined
from ..scheme import Scheme

COVID_Q_LABELS = (
    *("Comparison", "Economic Effects", "Having COVID", "Individual Response", "Nomenclature", "Origin", "Prevention"),
    *("Reporting", "Societal Effects", "Societal Response", "Speculation", "Symptoms", "Testing", "Transmission"),
    "Treatment",
)
# treatment, other, diagnosis, precautions, what a disease is like, where to be treated, what a drug or food does,
# consequences, costs, causes, what a measured value means
KUAKE_QIC_LABELS = (
    *("治疗方案", "其他", "病情诊断", "注意事项", "疾病表述", "就医建议", "功效作用", "后果表述", "医疗费用"),
    *("病因分析", "指标解读"),
)
PIBOSO_LABELS = ("background", "intervention", "other", "outcome", "population", "study design")
MTS_HEADER = ["ID", "section_header", "section_text", "dialogue"]
MTS_LABELS = (
    *("ALLERGY", "ASSESSMENT", "CC", "DIAGNOSIS", "DISPOSITION", "EDCOURSE", "EXAM", "FAM/SOCHX", "GENHX", "GYNHX"),
    *("IMAGING", "IMMUNIZATIONS", "LABS", "MEDICATIONS", "OTHER_HISTORY", "PASTMEDICALHX", "PASTSURGICAL", "PLAN"),
    *("PROCEDURES", "ROS"),
)
_SPEAKER = re.compile(r"[ ]*([A-Za-z]+(?:_[A-Za-z0-9]+)*) *:")
Sentences = list[tuple[str, str]]  # label, text


def read_covid_q(path: Path, audit: Audit) -> Iterator[Record]:
    """CSV without a header, ``question,label``."""
    for place, (question, label) in read_csv(path, 2, audit):
        with audit.losing(place, INTENTS):
            key = " ".join(question.casefold().split())
            classes = [one_of(label, COVID_Q_LABELS)]
            yield Record(question, place, classes=classes, sentences=EXACT, key=key)


def read_kuake_qic(path: Path, audit: Audit) -> Iterator[Record]:
    """A JSON list of ``{id, query, label}``."""
    for place, value in read_json(path, audit):
        with audit.losing(place, "document"):
            row = object_with(value, query=str, label=str)
            classes, key = [one_of(row["label"], KUAKE_QIC_LABELS)], " ".join(row["query"].split())
            yield Record(row["query"], place, classes=classes, sentences=EXACT, key=key)


def read_piboso(path: Path, audit: Audit) -> Iterator[Record]:
    """``###id``, then ``label TAB tokenised sentence`` lines, then a blank line: a record for each abstract, its tokens
    joined with blanks."""
    sentences: Sentences = []
    first = Place(path, 1)
    is_open = False
    for number, line in read_lines(path, audit):
        place = Place(path, number)
        if line.startswith("###"):
            yield from _abstract(sentences, first)
            sentences, is_open, first = [], True, place
        elif line.strip():
            with audit.losing(place, INTENTS):
                label, _, text = line.partition("\t")
                need(text.strip() and "\t" not in text, "expected 'label TAB sentence'", "line")
                one_of(label, PIBOSO_LABELS)
                need(is_open, "a sentence before the first '###id' line", label=label)
                sentences.append((label, " ".join(text.split())))
    yield from _abstract(sentences, first)


def _abstract(sentences: Sentences, place: Place) -> Iterator[Record]:
    if sentences:
        text, starts = joined([words for _, words in sentences])
        bounds = zip(starts, [*starts[1:], len(text)])
        units = [(bound, label) for bound, (label, _) in zip(bounds, sentences)]
        yield Record(text, place, units=units, starts=starts, sentences=EXACT)


def read_mts_dialog(path: Path, audit: Audit) -> Iterator[Record]:
    """CSV with a header; the dialogue has a line for each utterance, ``speaker: words``. The text stays as it stands
    (line ends as line feeds), each line at least one sentence; the section is a category of the whole Doc. The text of
    the section, a summary, is not used."""
    for place, row in read_csv(path, len(MTS_HEADER), audit):
        with audit.losing(place, "cats"):
            if row != MTS_HEADER:
                section, dialogue = one_of(row[1].strip(), MTS_LABELS, "section"), row[3]
                turns = _turns(dialogue, audit)
                key, starts = " ".join(dialogue.split()), [start for start, _ in turns]
                yield Record(dialogue, place, classes=[section], key=key, starts=starts, turns=turns)


def _turns(dialogue: str, audit: Audit) -> list[tuple[int, str | None]]:
    """The lines of each speaker; one that names none goes on with the speaker before it."""
    turns: list[tuple[int, str | None]] = []
    for line in re.finditer(r"(?m)^.*\S", dialogue):
        match = _SPEAKER.match(dialogue, line.start())
        audit.note("lines that name no speaker", int(match is None))
        turns.append((line.start(), match[1] if match else turns[-1][1] if turns else None))
    return turns


COVID_Q = Reader(read_covid_q, Scheme(classes=COVID_Q_LABELS))
KUAKE_QIC = Reader(read_kuake_qic, Scheme(classes=KUAKE_QIC_LABELS))
PIBOSO = Reader(read_piboso, Scheme(classes=PIBOSO_LABELS))
MTS_DIALOG = Reader(read_mts_dialog, Scheme(classes=MTS_LABELS, unit="doc"))
