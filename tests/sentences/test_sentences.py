"""``medmtl_sentences``: where sentences of notes begin, whatever became of line ends and blanks, and sections."""

from functools import cache, partial

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc, DocBin, Span
from spacy.training import Example
from work import lines_run

from spacy_medmtl.annotations.groups import SECTIONS
from spacy_medmtl.annotations.pairs import pair_doc

NOTE = """DISCHARGE LETTER
Seen by: Dr. A. Keller

CHIEF COMPLAINT: Dizziness.

HISTORY OF PRESENT ILLNESS:
Ms. Winter is a 58-year-old teacher who was referred by Dr. Moreau because of
dizziness that began 2.5 weeks ago. She takes aspirin 100 mg q.d. and bisoprolol 5
mg b.i.d. denies syncope. no falls. Her sister has hepatitis C. She was seen by
Prof. Okafor in May, i.e. before the symptoms.

PMH:
Hypertension
Diabetes mellitus type 2
Peripheral arterial disease with stenting of the left iliac artery
CKD stage 3b
Allergies: none known
Medications:
1. Aspirin 100 mg daily
2. Metformin 500 mg p.o. b.i.d.
   with meals
- bisoprolol
WBC\t12.3\tH\t4-10
Hb\t9.8\tL\t12-16
Lungs:
clear
Plan: 1. Start heparin 2. Follow up in 2 weeks. 3. Call if worse
Any chest pain? No. "It is fine." (She left.)
"""
SENTENCES = [
    "DISCHARGE LETTER",
    "Seen by: Dr. A. Keller",
    "CHIEF COMPLAINT: Dizziness.",
    "HISTORY OF PRESENT ILLNESS:",
    "Ms. Winter is a 58-year-old teacher who was referred by Dr. Moreau because of dizziness that began 2.5 weeks ago.",
    "She takes aspirin 100 mg q.d. and bisoprolol 5 mg b.i.d. denies syncope.",
    "no falls.",
    "Her sister has hepatitis C.",
    "She was seen by Prof. Okafor in May, i.e. before the symptoms.",
    "PMH:",
    "Hypertension",
    "Diabetes mellitus type 2",
    "Peripheral arterial disease with stenting of the left iliac artery",
    "CKD stage 3b",
    "Allergies: none known",
    "Medications:",
    "1. Aspirin 100 mg daily",
    "2. Metformin 500 mg p.o. b.i.d. with meals",
    "- bisoprolol",
    "WBC 12.3 H 4-10",
    "Hb 9.8 L 12-16",
    "Lungs:",
    "clear",
    "Plan: 1. Start heparin",
    "2. Follow up in 2 weeks.",
    "3. Call if worse",
    "Any chest pain?",
    "No.",
    '"It is fine."',
    "(She left.)",
]
NAMES = {
    "other": "DISCHARGE LETTER",
    "chief_complaint": "CHIEF COMPLAINT:",
    "history_of_present_illness": "HISTORY OF PRESENT ILLNESS:",
    "past_medical_history": "PMH:",
    "allergies": "Allergies:",
    "medications": "Medications:",
    "plan": "Plan:",
}
VARIANTS = {
    "Windows": lambda text: text.replace("\n", "\r\n"),
    "old Macintosh": lambda text: text.replace("\n", "\r"),
    "line separators": lambda text: text.replace("\n", "\u2028"),
    "indented": lambda text: "".join(f"    {line}" for line in text.splitlines(keepends=True)),
    "blanks at line ends": lambda text: text.replace("\n", "   \n"),
    "no-break spaces": lambda text: text.replace(" ", "\u00a0"),
    "double blanks": lambda text: text.replace(" ", "  "),
    "tabs": lambda text: text.replace(" ", "\t"),
    "zero-width spaces": lambda text: text.replace(" ", " \u200b"),
    "byte order mark": lambda text: f"\ufeff{text}",
}


@pytest.fixture(scope="module")
def nlp():
    nlp = spacy.blank("en")
    nlp.add_pipe("medmtl_sentences")
    return nlp


def sentences_of(doc: Doc) -> list[str]:
    found = (" ".join(sent.text.replace("\u200b", "").replace("\ufeff", "").split()) for sent in doc.sents)
    return [sentence for sentence in found if sentence]


def test_a_note_of_many_layouts(nlp):
    assert sentences_of(nlp(NOTE)) == SENTENCES


@pytest.mark.parametrize("variant", VARIANTS)
def test_what_an_export_did_to_blanks_and_line_ends_changes_nothing(nlp, variant):
    doc = nlp(VARIANTS[variant](NOTE))
    assert sentences_of(doc) == SENTENCES
    assert doc.spans[SECTIONS].attrs["names"] == list(NAMES)


def test_sections_reach_from_heading_to_heading(nlp):
    doc = nlp(f"Letter of the ward.\n{NOTE}")
    sections = list(doc.spans[SECTIONS])
    headings = [section[:n].text for section, n in zip(sections, doc.spans[SECTIONS].attrs["heading_lengths"])]
    assert dict(zip(doc.spans[SECTIONS].attrs["names"], headings)) == NAMES
    assert [section.label_ for section in sections] == list(NAMES)
    assert sections[0].start > 0
    assert sections[5].text.startswith("Medications:\n1. Aspirin")
    assert sections[5].text.endswith("clear")
    assert all(one.end <= two.start for one, two in zip(sections, sections[1:]))


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("No fever, but\nchest pain.", ["No fever, but chest pain."]),
        ("aspirin 81 mg\nmetoprolol 25 mg\nlisinopril", ["aspirin 81 mg", "metoprolol 25 mg", "lisinopril"]),
        ("Pain in knee\n\nand hip", ["Pain in knee", "and hip"]),
        ("[x] Fever\n[ ] Cough\n\u2610 Rash", ["[x] Fever", "[ ] Cough", "\u2610 Rash"]),
        ("Fever: N\nCough: Y", ["Fever: N", "Cough: Y"]),
        ("Dx: ? embolism. Seen today", ["Dx: ? embolism.", "Seen today"]),
        ("Temp. 38.2 today. Hb was 12. Stable.", ["Temp. 38.2 today.", "Hb was 12.", "Stable."]),
        ("Gave it p.r.n. Pain is better.", ["Gave it p.r.n.", "Pain is better."]),
        ("Pain... better now! Really? (yes)", ["Pain... better now!", "Really?", "(yes)"]),
        ("\u5934\u75db\u3002\u6ca1\u6709\u53d1\u70e7\u3002", ["\u5934\u75db\u3002", "\u6ca1\u6709\u53d1\u70e7\u3002"]),
        ("Seen at St. Mary's vs. home. ok", ["Seen at St. Mary's vs. home.", "ok"]),
        ("DENIES PAIN.\nNO FEVER\nSMOKES", ["DENIES PAIN.", "NO FEVER", "SMOKES"]),
        ("Doctor: Any pain and -\nPatient: No!", ["Doctor: Any pain and -", "Patient: No!"]),
        ("", []),
        (" \n ", []),
    ],
)
def test_small_texts(nlp, text, sentences):
    if "\u3002" in text:
        doc = spacy.blank("zh").make_doc(text)
        assert sentences_of(nlp.get_pipe("medmtl_sentences")(doc)) == sentences
    else:
        assert sentences_of(nlp(text)) == sentences


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Past Medical History\nasthma", ["past_medical_history"]),
        ("**Assessment & Plan:**\nrest", ["assessment_and_plan"]),
        ("1. Family History: asthma. Social history: lives alone.", ["family_history", "social_history"]),
        ("Wound care:\ndaily", ["other"]),
        ("BP: 120/80\nHR: 70", []),
        ("The plan: rest. History was taken.", []),
        ("FINDINGS:\nLUNGS: clear\nHeart:\nnormal\nIMPRESSION: normal", ["findings", "impression"]),
        ("DENIES PAIN\nNO FEVER", []),
    ],
)
def test_what_is_a_section(nlp, text, names):
    assert nlp(text).spans[SECTIONS].attrs["names"] == names


def test_a_doc_with_sentences_keeps_them_and_gets_sections(nlp):
    doc = nlp.make_doc("Plan: Rest. Sleep")
    for token in doc:
        token.is_sent_start = token.i == 0
    doc = nlp.get_pipe("medmtl_sentences")(doc)
    assert len(list(doc.sents)) == 1
    assert doc.spans[SECTIONS].attrs["names"] == ["plan"]


def test_two_texts_of_a_pair_have_no_sentence_in_common(nlp):
    doc = nlp.get_pipe("medmtl_sentences")(pair_doc(nlp, "Is it", "yes it is"))
    assert [sent.text for sent in doc.sents] == ["Is it \u241e", "yes it is"]


def test_abbreviations_of_ones_own(nlp):
    german = spacy.blank("de")
    german.add_pipe("medmtl_sentences", config={"abbreviations": ["ca.", "bds."]})
    assert len(list(german("Kribbeln bds. seit gestern. Husten").sents)) == 2


def test_it_is_saved_and_scored_and_its_sections_stay(nlp, tmp_path):
    nlp.to_disk(tmp_path / "p")
    loaded = spacy.load(tmp_path / "p")
    doc = loaded(NOTE)
    assert sentences_of(doc) == SENTENCES
    assert spacy.blank("en").from_config(nlp.config).from_bytes(nlp.to_bytes()).pipe_names == ["medmtl_sentences"]
    copy = next(iter(DocBin(docs=[doc]).get_docs(loaded.vocab)))
    assert copy.spans[SECTIONS].attrs["names"] == list(NAMES)
    scores = loaded.evaluate([Example(loaded.make_doc(NOTE), doc)])
    assert scores["sents_f"] == 1.0


@cache
def made_once():
    nlp = spacy.blank("en")
    nlp.add_pipe("medmtl_sentences")
    return nlp


@given(st.text(alphabet=st.sampled_from("aB1 .?:\n\r\t-\u00a0\u200b\u2028\u241e,()"), max_size=60))
def test_whatever_the_text_is_sentences_part_all_of_it_at_tokens(text):
    nlp = made_once()
    doc = nlp.get_pipe("medmtl_sentences")(nlp.make_doc(text))
    assert "".join(sent.text_with_ws for sent in doc.sents) == text
    for section in doc.spans[SECTIONS]:
        assert isinstance(section, Span)
        assert section.text.strip()


@pytest.mark.parametrize("text", [NOTE, "A. " * 100, "a b " * 100], ids=["note", "full stops", "one line"])
def test_work_grows_with_the_text_and_not_faster(nlp, text):
    pipe = nlp.get_pipe("medmtl_sentences")
    docs = [nlp.make_doc(text * n) for n in (5, 40)]
    short, long = (lines_run(partial(pipe, doc)) for doc in docs)
    assert 6 * short < long < 8.5 * short
