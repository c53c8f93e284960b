"""The sample corpus: four tasks on one Doc, and pairs with substituted answers."""

import pytest

from spacy_medmtl.annotations.groups import ENTITIES, FINDINGS, INTENTS, RELATIONS, TURNS
from spacy_medmtl.annotations.pairs import texts_of
from spacy_medmtl.annotations.relations import read_pairs
from spacy_medmtl.errors import MedmtlError

CALLS = """# doc triage-001
N <social> Hello there.
N <ask> Any [[ear|Anatomy] ache|Problem-] today?
C ^<complaint> No, only a [cough|Problem+].
C <history> Mum had [asthma|Problem?fh].

// a comment
# doc triage-002
N <ask> Do you take [aspirin|Drug]?
P ^<history> Every day.
"""


def test_document_carries_all_four_tasks(run, write):
    docs, audit = run("sample", write("triage.txt", CALLS))
    doc = docs[0]
    assert not audit.changes
    assert doc.text.split("\n")[1] == "Any ear ache today?"
    assert [span.label_ for span in doc.spans[INTENTS]] == ["social", "ask", "complaint", "history"]
    assert [(s.start, s.end) for s in doc.spans[INTENTS]] == [(s.start, s.end) for s in doc.sents]
    assert [sent[-1].text for sent in doc.sents] == ["\n", "\n", "\n", "."]
    entities = [(span.text, span.label_) for span in doc.spans[ENTITIES]]
    assert entities == [("ear ache", "Problem"), ("ear", "Anatomy"), ("cough", "Problem"), ("asthma", "Problem")]
    findings = doc.spans[FINDINGS]
    assert [span.text for span in findings] == ["ear ache", "cough", "asthma"]
    assert {span.label_ for span in findings} == {"Finding"}
    assert findings.attrs["assertion"] == ["negative", "positive", "unknown"]
    assert findings.attrs["assertion_modifiers"] == [[], [], ["historical", "family"]]
    assert [pair.labels for pair in read_pairs(doc)] == [(), ("answers",), ()]
    assert [turn.text.strip()[:3] for turn in doc.spans[TURNS]] == ["Hel", "No,"]
    assert doc.spans[TURNS].attrs["speakers"] == ["N", "C"]


def test_pairs_have_relations_only_and_are_balanced(run, write):
    docs, _ = run("sample", write("triage.txt", CALLS))
    pairs = docs[2:]
    assert all(list(doc.spans) == [RELATIONS] for doc in pairs)
    assert [read_pairs(doc)[0].labels for doc in pairs] == [("answers",), (), ("answers",), ()]
    assert texts_of(pairs[1]) == ("Any ear ache today?", "Every day.")
    assert [len(list(doc.sents)) for doc in pairs] == [2, 2, 2, 2]


def test_substitutes_come_from_the_same_kind_and_differ(run, write):
    same_answer = "# doc {0}-1\n<ask> One?\n^<history> No.\n# doc {0}-2\n<ask> Two?\n^<history> no.\n"
    docs, audit = run("sample", write("a.txt", same_answer.format("a")), write("b.txt", CALLS))
    assert sum(1 for doc in docs if list(doc.spans) == [RELATIONS] and not read_pairs(doc)[0].labels) == 2
    assert audit.notes["answers without another document's answer to put in their place"] == 2


def test_seed_decides_the_substitutes(run, write):
    text = "".join(f"# doc a-{i}\n<ask> Question {i}?\n^<history> Answer {i}.\n" for i in range(20))
    path = write("a.txt", text)
    first, again, other = ([doc.text for doc in run("sample", path, seed=seed)[0]] for seed in (1, 1, 2))
    assert first == again != other


def test_written_texts_have_no_turns(run, write):
    docs, _ = run("sample", write("notes.txt", "# doc n-1\n<plan> Start [iron|Drug].\n"))
    assert TURNS not in docs[0].spans
    assert len(docs[0].spans[RELATIONS]) == 0
    assert len(docs[0].spans[FINDINGS]) == 0


def test_sentences_of_one_printed_line_are_parted_by_a_blank(run, write):
    line = "# doc n-1\n<complaint> No [fever|Problem-].\n~<complaint> Has a [rash|Problem+].\n<plan> Wait.\n"
    docs, audit = run("sample", write("notes.txt", line))
    assert not audit.changes
    assert docs[0].text == "No fever. Has a rash.\nWait."
    assert [sent.text for sent in docs[0].sents] == ["No fever.", "Has a rash.\n", "Wait."]
    assert [span.text for span in docs[0].spans[FINDINGS]] == ["fever", "rash"]


def test_answer_may_stand_on_the_line_of_its_question(run, write):
    docs, _ = run("sample", write("notes.txt", "# doc n-1\n<ask> Any [fever|Problem-]?\n~^<complaint> No.\n"))
    assert docs[0].text == "Any fever? No."
    assert [pair.labels for pair in read_pairs(docs[0])] == [("answers",)]


def test_escaped_brackets_bars_and_line_breaks_are_text(run, write):
    line = r"\[**Name**\] has \[x\] [cough|Problem+] \| [chronic\n[kidney|Anatomy] disease|Problem+] \\ end"
    docs, audit = run("sample", write("notes.txt", f"# doc n-1\n<history> {line}\n"))
    assert not audit.changes
    assert docs[0].text == "[**Name**] has [x] cough | chronic\nkidney disease \\ end"
    assert [span.text for span in docs[0].spans[ENTITIES]] == ["cough", "chronic\nkidney disease", "kidney"]
    assert len(list(docs[0].sents)) == 1


def test_lost_line_parts_its_neighbours(run, write):
    path = write("a.txt", "# doc a-1\n<ask> One?\n<plan> [broken|Drug\n^<history> No.\n<history> Two.\n")
    docs, audit = run("sample", path)
    assert [(change.line, change.outcome) for change in audit.changes] == [(3, "dropped"), (4, "dropped")]
    assert [span.label_ for span in docs[0].spans[INTENTS]] == ["ask", "history"]
    assert read_pairs(docs[0]) == []


def test_line_of_another_encoding_is_listed_once(run, write):
    path = write("a.txt", b"# doc a-1\n<ask> One?\n<history> caf\xe9.\n<history> Two.\n")
    docs, audit = run("sample", path)
    assert [(change.line, "UTF-8" in change.reason) for change in audit.changes] == [(3, True)]
    assert read_pairs(docs[0]) == []


def test_span_inside_a_token_is_widened_and_listed(run, write):
    docs, audit = run("sample", write("a.txt", "# doc a-1\n<history> Known un[well|Problem+]ness.\n"))
    assert docs[0].spans[ENTITIES][0].text == docs[0].spans[FINDINGS][0].text == "unwellness"
    assert [change.kind for change in audit.changes] == [ENTITIES, FINDINGS]
    assert {change.outcome for change in audit.changes} == {"expanded"}
    assert audit.changes[0].offsets == (8, 12, 6, 16)


@pytest.mark.parametrize(
    "line",
    [
        "<ask> Any [secret|Problem]?",
        "<secret> Hello.",
        "secret",
        "<ask> [secret|Secret]",
        "<plan> a]secret",
        "^<plan> b",
        r"<plan> a \secret",
        "<plan> secret\\",
    ],
)
def test_malformed_line_stops_with_its_place_and_no_text(run, write, line):
    path = write("a.txt", f"# doc a-1\n<plan> Fine.\n{line}\n")
    with pytest.raises(MedmtlError) as error:
        run("sample", path, on_error="stop")
    assert error.value.code == "E401"
    assert "a.txt, line 3: " in str(error.value)
    assert "secret" not in str(error.value).replace(str(path), "").lower()


def test_first_sentence_of_a_document_continues_no_line(run, write):
    docs, audit = run("sample", write("a.txt", "# doc a-1\n~<plan> Lost.\n<plan> Kept.\n"))
    assert [doc.text for doc in docs] == ["Kept."]
    assert ["'~'" in change.reason for change in audit.changes] == [True]


def test_sentence_before_a_document_and_empty_document(run, write):
    docs, audit = run("sample", write("a.txt", "<plan> Lost.\n# doc a-1\n# doc a-2\n<plan> Kept.\n"))
    assert [doc.text for doc in docs] == ["Kept."]
    assert [change.line for change in audit.changes] == [1, 2]
