"""``medmtl export`` and the settings of ``medmtl convert``: what is written, what is told, how mistakes end."""

import pytest

TEXT = "No fever or pain."
ROWS = "T1\tProblem 3 8\tfever\nA1\tNegation T1\nT2\tProblem 12 16\tpain\nR1\tbeside Arg1:T1 Arg2:T2\n"


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "a.txt").write_text(TEXT)
    (folder / "a.ann").write_text(ROWS)
    return folder


def test_there_and_back(medmtl, project, tmp_path):
    source = tmp_path / "x.spacy"
    result = medmtl("convert", "brat", project, "-o", source, "--set", "group=findings", "--set", "labels=Problem,Sign")
    assert result.exit_code == 0, result.output
    assert "Problem/negative" in result.output
    output = tmp_path / "out"
    result = medmtl("export", "brat", source, "-o", output)
    assert result.exit_code == 0, result.output
    assert (output / "doc-000001.txt").read_text() == TEXT
    written = (output / "doc-000001.ann").read_text()
    assert written.splitlines() == [
        "T1\tProblem 3 8\tfever",
        "A1\tAssertion T1 negative",
        "T2\tProblem 12 16\tpain",
        "A2\tAssertion T2 positive",
        "R1\tbeside Arg1:T1 Arg2:T2",
    ]
    assert "[entities]\nProblem\nSign\n" in (output / "annotation.conf").read_text()
    assert "[MEDMTL-E413]" in medmtl("export", "brat", source, "-o", output).output
    assert medmtl("export", "brat", source, "-o", output, "--force").exit_code == 0
    result = medmtl("export", "conll", source, "-o", tmp_path / "x.conll")
    assert "1 x relations and judged pairs" in result.output


@pytest.mark.parametrize(
    ("setting", "code"),
    [("group", "E404"), ("group=x", "E411"), ("nonsense=x", "E410"), ("labels=A,A", "E411")],
)
def test_wrong_settings(medmtl, project, tmp_path, setting, code):
    result = medmtl("convert", "brat", project, "-o", tmp_path / "x.spacy", "--set", setting)
    assert result.exit_code == 1
    assert f"[MEDMTL-{code}]" in result.output
    result = medmtl("convert", "negex", project / "a.txt", "-o", tmp_path / "x.spacy", "--set", "a=b")
    assert "[MEDMTL-E410]" in result.output
