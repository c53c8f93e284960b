"""``medmtl convert``: exit status, what it prints, no traceback and no text of the documents."""

import json

import pytest

SAMPLE = "# doc a-1\n<ask> Any [itch|Problem-]?\n^<complaint> Not un[well|Problem-]ish.\n"


@pytest.fixture
def sample(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text(SAMPLE)
    return path


def test_converts_and_reports(medmtl, sample, tmp_path):
    output = tmp_path / "corpus" / "x.spacy"
    result = medmtl("convert", "sample", sample, "--output", output)
    assert result.exit_code == 0, result.output
    assert "an edge lay inside a token" in result.output
    assert "Finding/negative" in result.output
    assert "unwellish" not in result.output
    assert output.is_file()
    report = json.loads((tmp_path / "corpus" / "x.spacy.audit.json").read_text())
    assert report["outputs"][str(output)]["spans"]["medmtl_findings"] == {"Finding/negative": 2}


def test_stops_at_a_loss_with_its_line(medmtl, sample, tmp_path):
    sample.write_text(SAMPLE + "<hidden> words\n")
    result = medmtl("convert", "sample", sample, "-o", tmp_path / "x.spacy")
    assert result.exit_code == 1
    assert "[MEDMTL-E401]" in result.output
    assert "line 4" in result.output
    assert "hidden" not in result.output
    assert not (tmp_path / "x.spacy").exists()


def test_goes_on_where_told_to(medmtl, sample, tmp_path):
    sample.write_text(SAMPLE + "<hidden> words\n")
    result = medmtl("convert", "sample", sample, "-o", tmp_path / "x.spacy", "--on-error", "report")
    assert result.exit_code == 0
    assert "1 loss(es)" in result.output
    assert "hidden" not in (tmp_path / "x.spacy.audit.json").read_text()


def test_splits(medmtl, tmp_path):
    rows = [f"1\tgout\tGOUT {i}.\tNegated\tRecent\tPatient\n" for i in range(50)]
    (tmp_path / "a.tsv").write_text("".join(rows))
    paths = [tmp_path / "train.spacy", tmp_path / "dev.spacy"]
    arguments = ["--dev-share", "0.4", "--dev-output", paths[1]]
    result = medmtl("convert", "negex", tmp_path / "a.tsv", "-o", paths[0], *arguments)
    assert result.exit_code == 0, result.output
    assert all(path.is_file() for path in paths)


@pytest.mark.parametrize(
    ("name", "path", "code"),
    [("sample", "missing.txt", "E402"), ("nonsense", "a.txt", "E403"), ("rqe", "a.txt", "E401")],
)
def test_mistakes_are_coded(medmtl, sample, tmp_path, name, path, code):
    result = medmtl("convert", name, tmp_path / path, "-o", tmp_path / "x.spacy")
    assert result.exit_code == 1
    assert f"[MEDMTL-{code}]" in result.output


@pytest.mark.parametrize(("options", "lang"), [((), "zh"), (("--lang", "en"), "en")])
def test_language_is_by_default_that_of_the_corpus(medmtl, tmp_path, options, lang):
    source = tmp_path / "a.json"
    source.write_text('[{"id": "1", "query": "红斑吗", "label": "其他"}]', encoding="utf8")
    result = medmtl("convert", "kuake_qic", source, "-o", tmp_path / "x.spacy", *options)
    assert result.exit_code == 0, result.output
    assert json.loads((tmp_path / "x.spacy.audit.json").read_text(encoding="utf8"))["lang"] == lang
