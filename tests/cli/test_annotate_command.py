"""``medmtl annotate``: what comes out, that nothing is lost, and that an interrupted run goes on."""

import csv
import io
import json
from importlib.util import find_spec

import pytest
import spacy
from annotating import SECRET, failures, json_rows, unwrapped
from spacy.tokens import DocBin

from spacy_medmtl.annotations.columns import joined_columns
from spacy_medmtl.annotations.groups import FINDINGS
from spacy_medmtl.notes.part_outputs import NOTES_PER_PART


def test_a_folder_of_notes_to_json_lines(medmtl, pipeline, notes, tmp_path):
    output = tmp_path / "out" / "x.jsonl"
    result = medmtl("annotate", pipeline, notes, "-o", output)
    assert result.exit_code == 0, result.output
    lines = json_rows(output)
    assert [line["doc_id"] for line in lines] == ["a", "c", "ward/b"]
    finding = lines[0]["findings"][0]
    assert (finding["start"], finding["end"], finding["text"], finding["score"]) == (2, 7, "cough", 0.9123)
    assert [row["text"] for row in lines[2]["sentences"]] == ['He said "cough".', "Twice, a cough."]
    assert not output.with_name("x.jsonl.failures.jsonl").exists()


def test_csv_has_a_row_for_everything_with_the_documented_columns(medmtl, pipeline, notes, tmp_path):
    output = tmp_path / "x.csv"
    assert medmtl("annotate", pipeline, notes, "-o", output).exit_code == 0
    with output.open(encoding="utf8", newline="") as stream:
        found = list(csv.DictReader(stream))
    assert list(found[0]) == list(joined_columns())
    assert [row["text"] for row in found if row["kind"] == "finding"] == ["cough"] * 3
    assert found[0]["negated"] == "false"
    assert found[0]["uncertain"] == ""


def test_parquet_and_docbin_are_a_file_or_a_folder(medmtl, pipeline, notes, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    for name, form in (("x.parquet", "parquet"), ("folder", "parquet"), ("x.spacy", "docbin"), ("docs", "docbin")):
        output = tmp_path / name
        assert medmtl("annotate", pipeline, notes, "-o", output, "--format", form).exit_code == 0
        assert output.is_dir() == ("." not in name)
    rows = parquet.read_table(tmp_path / "x.parquet").to_pylist()
    assert rows == parquet.read_table(tmp_path / "folder").to_pylist()
    assert {row["doc_id"] for row in rows} == {"a", "c", "ward/b"}
    docs = list(DocBin(store_user_data=True).from_disk(tmp_path / "x.spacy").get_docs(spacy.blank("en").vocab))
    assert [doc.user_data["doc_id"] for doc in docs] == ["a", "c", "ward/b"]
    assert len(docs[2].spans[FINDINGS]) == 2
    assert len(list(docs[2].sents)) == 2
    assert not (tmp_path / "x.spacy.parts").exists()


def test_a_page_for_each_note_and_no_id_leads_out_of_the_folder(medmtl, pipeline, tmp_path):
    ids = ["a/b", "../out", "index", "x?y", ".", ""]
    source = tmp_path / "x.jsonl"
    source.write_text("\n".join(json.dumps({"id": one, "text": "A cough."}) for one in ids), encoding="utf8")
    folder = tmp_path / "in" / "pages"
    arguments = ("annotate", pipeline, source, "-o", folder, "--format", "html")
    result = medmtl(*arguments)
    assert result.exit_code == 0, result.output
    pages = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.html")}
    names = ("index", "a/b", "%2E%2E/out", "%69ndex", "x%3Fy", "%2E", "x.jsonl%3A6")
    assert pages == {f"in/pages/{name}.html" for name in names}
    index = (folder / "index.html").read_text(encoding="utf8")
    assert '<a href="%252E%252E/out.html">../out</a>' in index
    assert "6 note(s) were there already" in unwrapped(medmtl(*arguments).output)
    assert medmtl(*arguments, "--force").exit_code == 0


def test_a_brat_folder_that_the_converter_reads(medmtl, pipeline, tmp_path):
    """Also a span over a line end. An .ann that was not written yet: its note is annotated again."""
    ruled = spacy.blank("en")
    ruled.add_pipe("entity_ruler").add_patterns([{"label": "SIGN", "pattern": "knee\npain"}])
    ruled.to_disk(tmp_path / "ruled")
    source = tmp_path / "n.txt"
    source.write_text("A knee\npain.", encoding="utf8")
    folder = tmp_path / "brat"
    arguments = ("annotate", tmp_path / "ruled", source, "-o", folder, "--format", "brat")
    assert medmtl(*arguments).exit_code == 0
    assert (folder / "n.ann").read_text(encoding="utf8") == "T1\tSIGN 2 6;7 11\tknee pain\n"
    assert (folder / "n.txt").read_text(encoding="utf8") == "A knee\npain."
    assert "[entities]\nSIGN\n" in (folder / "annotation.conf").read_text(encoding="utf8")
    (folder / "n.ann").unlink()
    assert "1 note(s)," in unwrapped(medmtl(*arguments).output)
    assert "were there already" in unwrapped(medmtl(*arguments).output)
    source.write_text("A cough.", encoding="utf8")
    assert medmtl("annotate", pipeline, source, "-o", tmp_path / "b", "--format", "brat").exit_code == 0
    lines = (tmp_path / "b" / "n.ann").read_text(encoding="utf8").splitlines()
    assert lines == ["T1\tentity 2 7\tcough", "A1\tAssertion T1 positive", "#1\tAnnotatorNotes T1\tscore 0.9123"]
    converted = medmtl("convert", "brat", tmp_path / "b", "-o", tmp_path / "b.spacy", "--set", "group=findings")
    assert converted.exit_code == 0, converted.output
    assert medmtl(*arguments[:3], "-o", folder, "--format", "brat", "--force").exit_code == 0


def test_what_cannot_be_annotated_is_listed_without_text_and_the_rest_goes_on(medmtl, pipeline, tmp_path):
    rows = [
        {"id": "none", "text": None},
        {"id": "nan", "text": float("nan")},
        {"id": "blank", "text": " \n"},
        {"id": "number", "text": 5},
        {"id": "fails", "text": f"{SECRET} boom"},
        {"id": "good", "text": "A cough."},
        {"id": "good", "text": f"{SECRET} again"},
        {"id": "half", "text": "\ud800"},
        {"id": "long", "text": "x" * 1_000_001},
        {"other": SECRET},
    ]
    source = tmp_path / "x.jsonl"
    source.write_text("\n".join([*map(json.dumps, rows), f"{{{SECRET}"]), encoding="utf8")
    (tmp_path / "latin.txt").write_bytes(f"{SECRET} caf\xe9".encode("latin-1"))
    output = tmp_path / "out.jsonl"
    result = medmtl("annotate", pipeline, source, tmp_path / "latin.txt", "-o", output)
    assert result.exit_code == 3
    assert [line["doc_id"] for line in json_rows(output)] == ["good"]
    assert failures(output) == {
        **dict.fromkeys(["none", "nan", "blank"], "E519"),
        "number": "E516",
        "fails": "E515",
        "good": "E517",
        "half": "E514",
        "long": "E518",
        "x.jsonl:10": "E513",
        "x.jsonl:11": "E513",
        "latin": "E514",
    }
    assert "3 note(s) without text" in unwrapped(result.output)
    told = result.output + output.with_name("out.jsonl.failures.jsonl").read_text(encoding="utf8")
    assert SECRET not in told
    assert "test_findings" in told
    result = medmtl("annotate", pipeline, tmp_path / "latin.txt", "-o", output, "--encoding", "cp1252")
    assert result.exit_code == 0
    assert [line["doc_id"] for line in json_rows(output)] == ["good", "latin"]
    assert not output.with_name("out.jsonl.failures.jsonl").exists()


@pytest.mark.parametrize("suffix", [".jsonl", ".csv"])
def test_a_run_that_was_killed_at_any_byte_goes_on(medmtl, pipeline, notes, tmp_path, suffix):
    whole = tmp_path / f"whole{suffix}"
    assert medmtl("annotate", pipeline, notes, "-o", whole).exit_code == 0
    data = whole.read_bytes()
    part = tmp_path / f"part{suffix}"
    for size in [*range(0, len(data), 397), len(data) - 1, len(data)]:
        part.write_bytes(data[:size])
        result = medmtl("annotate", pipeline, notes, "-o", part)
        assert result.exit_code == 0, (size, result.output)
        assert part.read_bytes() == data, size
    assert "there already" in result.output


def test_an_interrupted_run_in_parts_goes_on(medmtl, pipeline, tmp_path):
    """One run ends within its second part; another between joining the parts and removing them."""
    parquet = pytest.importorskip("pyarrow.parquet")
    source = tmp_path / "x.jsonl"
    lines = [json.dumps({"id": n, "text": f"{n} cough."}) for n in range(NOTES_PER_PART + 3)]
    source.write_text("\n".join(lines[:NOTES_PER_PART]), encoding="utf8")
    output, parts = tmp_path / "x.parquet", tmp_path / "x.parquet.parts"
    assert medmtl("annotate", pipeline, source, "-o", parts, "--format", "parquet").exit_code == 0
    (parts / "part-000001.parquet.part").write_bytes(b"half")
    source.write_text("\n".join(lines), encoding="utf8")
    left = (parts / "part-000000.parquet").read_bytes()
    result = medmtl("annotate", pipeline, source, "-o", output)
    assert result.exit_code == 0, result.output
    assert f"{NOTES_PER_PART} note(s) were there already" in unwrapped(result.output)
    parts.mkdir()
    (parts / "part-000000.parquet").write_bytes(left)
    assert medmtl("annotate", pipeline, source, "-o", output).exit_code == 0
    ids = [row["doc_id"] for row in parquet.read_table(output).to_pylist() if row["kind"] == "finding"]
    assert ids == [str(n) for n in range(len(lines))]


def test_workers_give_the_same_and_lose_nothing(medmtl, pipeline, tmp_path):
    source = tmp_path / "x.jsonl"
    texts = ["a cough", "boom", "fine", "boom cough", "cough cough", "well"]
    source.write_text("\n".join(json.dumps({"text": text}) for text in texts), encoding="utf8")
    outputs = []
    for workers in (1, 2):
        output = tmp_path / f"{workers}.jsonl"
        arguments = ("annotate", pipeline, source, "-o", output, "--workers", workers, "--batch-size", 2)
        assert medmtl(*arguments).exit_code == 3
        assert failures(output) == {"x.jsonl:2": "E515", "x.jsonl:4": "E515"}
        outputs.append(output.read_bytes())
    assert outputs[0] == outputs[1]


def test_mistakes_end_with_a_code(medmtl, pipeline, notes, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "x.csv").write_text("something,else\n1,2\n", encoding="utf8")
    (tmp_path / "x.jsonl").write_text("something else\n", encoding="utf8")
    (tmp_path / "x.parquet").write_text("something else\n", encoding="utf8")
    (tmp_path / "others").mkdir()
    (tmp_path / "others" / "mine.doc").write_text("mine")
    cases = [
        (["annotate", pipeline, tmp_path / "none", "-o", tmp_path / "o.csv"], "E512"),
        (["annotate", pipeline, tmp_path / "empty", "-o", tmp_path / "o.csv"], "E512"),
        (["annotate", tmp_path / "none", notes, "-o", tmp_path / "o.csv"], "E501"),
        (["annotate", pipeline, notes, "-o", tmp_path / "o.doc"], "E404"),
        (["annotate", pipeline, notes, "-o", notes, "--format", "csv"], "E407"),
        (["annotate", pipeline, notes, "-o", tmp_path / "x.csv"], "E407"),
        (["annotate", pipeline, notes, "-o", tmp_path / "x.jsonl"], "E407"),
        (["annotate", pipeline, notes, "-o", tmp_path / "x.parquet"], "E407" if find_spec("pyarrow") else "E511"),
        (["annotate", pipeline, notes, "-o", tmp_path / "others", "--format", "docbin", "--force"], "E407"),
        (["annotate", pipeline, notes, "-o", tmp_path / "o.csv", "--workers", 2, "--gpu-id", 0], "E404"),
        (["annotate", pipeline, notes, "-o", tmp_path / "o.csv", "--encoding", "nonsense"], "E404"),
    ]
    for arguments, code in cases:
        result = medmtl(*arguments)
        assert result.exit_code == 1, arguments
        assert f"[MEDMTL-{code}]" in result.output, (arguments, result.output)
    assert (tmp_path / "others" / "mine.doc").exists()
    assert medmtl("annotate", pipeline, notes, "-o", tmp_path / "x.csv", "--force").exit_code == 0
    assert next(csv.reader(io.StringIO((tmp_path / "x.csv").read_text(encoding="utf8")))) == list(joined_columns())


def test_help_has_an_example(medmtl):
    assert "medmtl annotate en_medmtl notes/" in medmtl("annotate", "--help").output


def test_a_pipeline_of_this_package(medmtl, make_nlp, tmp_path):
    """The real components, untrained: all four tables have rows, the same for one and for two processes."""
    from toy import CASES, TEXTS, make_examples

    nlp = make_nlp(*(case.factory for case in CASES))
    nlp.initialize(lambda: make_examples(nlp, *(case.annotate for case in CASES)))
    nlp.to_disk(tmp_path / "p")
    source = tmp_path / "x.jsonl"
    source.write_text("\n".join(json.dumps({"text": text}) for text in TEXTS), encoding="utf8")
    for workers in (1, 2):
        output = tmp_path / f"{workers}.csv"
        result = medmtl("annotate", tmp_path / "p", source, "-o", output, "--workers", workers)
        assert result.exit_code == 0, result.output
    assert {row["kind"] for row in csv.DictReader(io.StringIO(output.read_text()))} >= {"sentence", "finding"}
    assert (tmp_path / "1.csv").read_bytes() == output.read_bytes()


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # Ray's own
def test_ray_writes_what_one_process_writes(medmtl, tmp_path):
    pytest.importorskip("ray.data")
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "SIGN", "pattern": "cough"}])
    nlp.to_disk(tmp_path / "p")
    source = tmp_path / "x.jsonl"
    rows = [{"id": n, "text": None if n % 7 == 0 else f"{n} has a cough."} for n in range(40)]
    source.write_text("\n".join(map(json.dumps, rows)), encoding="utf8")
    for engine in ("local", "ray"):
        output = tmp_path / f"{engine}.jsonl"
        arguments = ("annotate", tmp_path / "p", source, "-o", output, "--engine", engine, "--batch-size", 2)
        result = medmtl(*arguments, "--workers", 2)
        assert result.exit_code == 0, result.output
    assert (tmp_path / "ray.jsonl").read_bytes() == (tmp_path / "local.jsonl").read_bytes()
    assert failures(tmp_path / "ray.jsonl") == failures(tmp_path / "local.jsonl")


@pytest.mark.parametrize(
    "command", [["annotate", "--format", "csv"], ["view"], ["preannotate", "--for", "doccano", "--force"]]
)
def test_notes_are_never_written_over(medmtl, pipeline, notes, command):
    note = notes / "a.txt"
    result = medmtl(command[0], pipeline, note, "-o", note, *command[1:])
    assert result.exit_code == 1
    assert "[MEDMTL-E407]" in result.stderr
    assert note.read_bytes() == b"A cough.\r\nNo more."


def test_an_output_below_a_file(medmtl, pipeline, notes):
    result = medmtl("annotate", pipeline, notes, "-o", notes / "a.txt" / "o.csv")
    assert (result.exit_code, "[MEDMTL-E407]" in result.stderr) == (1, True)


def test_reasons_are_told(medmtl, pipeline, tmp_path):
    (tmp_path / "t.csv").write_text("id,body\n1,A cough.\n", encoding="utf8")
    result = medmtl("annotate", pipeline, tmp_path / "t.csv", "-o", tmp_path / "o.csv")
    assert "1 x [MEDMTL-E513] Row 1 names no column of texts" in unwrapped(result.output)
    assert "--text-column" in result.output
