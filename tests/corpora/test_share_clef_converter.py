"""Disorders in pipe-delimited lines, of 2013 and of 2014. All texts are invented."""

import pytest
from entity_docs import entities, losses
from finding_docs import findings

from spacy_medmtl.annotations.groups import ENTITIES, FINDINGS
from spacy_medmtl.corpora.spans import split_key
from spacy_medmtl.errors import MedmtlError

NAME = "00123-004567-DISCHARGE_SUMMARY"
TEXT = "A clerk with red ears.\n\nEars also itch. No cough; aunt had warts.\nPerhaps flu.\n"
DEFAULTS = {
    "NI": "*no",
    "SC": "*patient",
    "UI": "*no",
    "CC": "*unmarked",
    "SV": "*unmarked",
    "CO": "*false",
    "GC": "*false",
}


def places(*pieces):
    return [(TEXT.index(piece), TEXT.index(piece) + len(piece)) for piece in pieces]


def row_2013(*pieces, name=NAME, kind="Disease_Disorder"):
    edges = "||".join(f"{start}||{end}" for start, end in places(*pieces))
    return f"{name}.txt||{kind}||C0000001||{edges}\n"


def row_2014(*pieces, name=NAME, spans=None, **values):
    spans = spans or ",".join(f"{start}-{end}" for start, end in places(*pieces))
    template = [column for value in {**DEFAULTS, **values}.values() for column in (value, "*NULL")]
    return (
        "|".join([f"{name}.txt", spans, "CUI-less", *template, "*NULL", "*NULL", "*Unknown", "*None", "*NULL"]) + "\n"
    )


ROWS = {
    "share_clef_2013": [row_2013("red ears"), row_2013("Ears", "itch"), row_2013("cough")],
    "share_clef_2014": [
        row_2014("red ears"),
        row_2014("itch", "Ears"),
        row_2014("cough", NI="yes"),
        row_2014("warts", SC="family_member"),
        row_2014("flu", UI="yes"),
    ],
}


@pytest.fixture
def files(write):
    def write_files(corpus, rows=None, name=NAME, suffix=".pipe", text=TEXT):
        write(f"{name}{suffix}", "".join(ROWS[corpus] if rows is None else rows))
        return write(f"{name}.txt", text)

    return write_files


def test_share_clef_2013(run, files):
    (doc,), audit = run("share_clef_2013", files("share_clef_2013"), on_error="stop")
    assert doc.text == TEXT
    assert entities(doc) == [("red ears", "Disorder"), ("Ears also itch", "Disorder"), ("cough", "Disorder")]
    assert doc.spans[ENTITIES].attrs["annotated_labels"] == ["Disorder"]
    assert FINDINGS not in doc.spans  # 2013 does not say what is negated
    assert [(change.outcome, change.kind) for change in audit.changes] == [("reshaped", ENTITIES)]
    assert split_key(doc) == "00123"


def test_share_clef_2014(run, files):
    (doc,), audit = run("share_clef_2014", files("share_clef_2014", suffix=".pipe.txt"), on_error="stop")
    assert [text for text, _ in entities(doc)] == ["red ears", "Ears also itch", "cough", "warts", "flu"]
    assert findings(doc) == [
        ("red ears", "positive", []),
        ("Ears also itch", "positive", []),
        ("cough", "negative", []),
        ("warts", "positive", ["family"]),
        ("flu", "unknown", ["uncertain"]),
    ]
    attrs = doc.spans[FINDINGS].attrs
    assert attrs["annotated_modifiers"] == ["uncertain", "hypothetical", "family"]
    assert [(change.outcome, change.kind) for change in audit.changes] == [
        ("reshaped", ENTITIES),
        ("reshaped", FINDINGS),
    ]


@pytest.mark.parametrize(
    ("values", "status", "modifiers"),
    [
        ({"NI": "no"}, "positive", []),
        ({"NI": "yes", "SC": "other"}, "negative", ["family"]),
        ({"NI": "yes", "UI": "yes"}, "unknown", ["uncertain"]),
        ({"CO": "true"}, "unknown", ["hypothetical"]),
        ({"GC": "TRUE"}, "unknown", []),
        ({"SC": "NULL"}, "positive", []),
        ({"SC": "donor_other", "UI": "yes", "CO": "true"}, "unknown", ["uncertain", "hypothetical", "family"]),
    ],
)
def test_template(run, files, values, status, modifiers):
    (doc,), _ = run("share_clef_2014", files("share_clef_2014", [row_2014("flu", **values)]), on_error="stop")
    assert findings(doc) == [("flu", status, modifiers)]


def test_pipes_beside_the_texts_or_in_a_folder_of_their_own(run, files, tmp_path):
    text = files("share_clef_2013", suffix=".pipe.txt")
    pipe = tmp_path / f"{NAME}.pipe.txt"
    (doc,), audit = run("share_clef_2013", text, pipe, on_error="stop")  # what a folder gives
    assert len(doc.spans[ENTITIES]) == 3
    assert audit.notes["files of annotations among the texts"] == 1
    for folder, path in (("texts", text), ("pipe", pipe)):
        (tmp_path / folder).mkdir()
        path.rename(tmp_path / folder / path.name)
    (doc,), _ = run("share_clef_2013", tmp_path / "texts" / text.name, on_error="stop")
    assert len(doc.spans[ENTITIES]) == 3


@pytest.mark.parametrize("corpus", sorted(ROWS))
def test_missing_and_empty_pipes(run, files, corpus):
    path, other = files(corpus), files(corpus, rows=[], name="00200-000001-ECG_REPORT")
    path.with_suffix(".pipe").unlink()
    with pytest.raises(MedmtlError, match=rf"E401.*{NAME}.txt, line 1: .*is missing"):
        run(corpus, path, on_error="stop")
    (doc,), audit = run(corpus, path, other)
    assert (split_key(doc), entities(doc)) == ("00200", [])
    assert losses(audit) == [(f"{NAME}.txt", 1, "document")]


@pytest.mark.parametrize("corpus", sorted(ROWS))
def test_line_ends_of_windows(run, files, corpus):
    rows = [row.replace("\n", "\r\n") for row in ROWS[corpus][:1]]
    (doc,), audit = run(corpus, files(corpus, rows, text=TEXT.replace("\n", "\r\n")), on_error="stop")
    assert entities(doc) == [("red ears", "Disorder")]
    assert not audit.changes


@pytest.mark.parametrize(
    ("corpus", "row", "reason"),
    [
        ("share_clef_2013", "secret\n", "expected 'name"),
        ("share_clef_2013", f"{NAME}.txt||Disease_Disorder||C1\n", "expected 'name"),
        ("share_clef_2013", f"{NAME}.txt||Disease_Disorder||C1||3||4||5\n", "offsets inside the text"),
        ("share_clef_2013", f"{NAME}.txt||Disease_Disorder||C1||4||4\n", "offsets inside the text"),
        ("share_clef_2013", f"{NAME}.txt||Disease_Disorder||C1||4||999\n", "offsets inside the text"),
        ("share_clef_2013", f"{NAME}.txt||Disease_Disorder||C1||-4||9\n", "offsets inside the text"),
        ("share_clef_2013", row_2013("flu", kind="Secret"), "unknown label"),
        ("share_clef_2013", row_2013("flu", name="secret"), "a line of another document"),
        ("share_clef_2013", row_2014("flu"), "expected 'name"),
        ("share_clef_2014", "secret\n", "expected 'name"),
        ("share_clef_2014", row_2013("flu"), "expected 'name"),
        ("share_clef_2014", row_2014(spans="4-9-12"), "offsets inside the text"),
        ("share_clef_2014", row_2014(spans="4-999"), "offsets inside the text"),
        ("share_clef_2014", row_2014(spans="secret"), "offsets inside the text"),
        ("share_clef_2014", row_2014("flu", name="secret"), "a line of another document"),
    ],
)
def test_malformed_line(run, files, corpus, row, reason):
    path = files(corpus, [row, *ROWS[corpus]])
    with pytest.raises(MedmtlError, match=f"E401.*{NAME}.pipe, line 1: .*{reason}") as error:
        run(corpus, path, on_error="stop")
    assert "secret" not in str(error.value).replace(str(path.parent), "").lower()
    (doc,), audit = run(corpus, path)
    assert len(doc.spans[ENTITIES]) == len(ROWS[corpus])
    assert [line for _, line, _ in losses(audit)] == [1]


@pytest.mark.parametrize("name", ["NI", "SC", "UI", "CO", "GC"])
def test_unknown_value_loses_the_finding_and_keeps_the_entity(run, files, name):
    path = files("share_clef_2014", [row_2014("flu", **{name: "secret"})])
    with pytest.raises(MedmtlError, match="E401.*line 1: an unknown value in the template") as error:
        run("share_clef_2014", path, on_error="stop")
    assert "secret" not in str(error.value)
    (doc,), audit = run("share_clef_2014", path)
    assert (entities(doc), findings(doc)) == ([("flu", "Disorder")], [])
    assert losses(audit) == [(f"{NAME}.pipe", 1, FINDINGS)]


@pytest.mark.parametrize("suffix", [".pipe", ".pipe.txt"])
def test_annotations_without_a_text_are_a_loss_in_a_folder_of_others(run, files, write, tmp_path, suffix):
    files("share_clef_2013")
    write(f"other{suffix}", row_2013("flu"))
    docs, audit = run("share_clef_2013", tmp_path)
    assert len(docs) == 1
    assert any("without their .txt" in change.reason for change in audit.changes)


def test_texts_beside_a_folder_of_annotations(run, files, tmp_path):
    path = files("share_clef_2013")
    for folder, name in (("report", path.name), ("pipe", f"{path.stem}.pipe")):
        (tmp_path / "split" / folder).mkdir(parents=True)
        (path.parent / name).rename(tmp_path / "split" / folder / name)
    docs, _ = run("share_clef_2013", tmp_path / "split", on_error="stop")
    assert len(docs) == 1
