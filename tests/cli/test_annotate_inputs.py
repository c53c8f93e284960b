"""``medmtl annotate``: what goes in, of every kind and encoding."""

import json

import pytest
from annotating import SECRET, failures, json_rows, unwrapped


@pytest.mark.parametrize("columns", [("id", "text"), ("NOTE_ID", "Note_Text"), ("row", "body")])
def test_rows_of_csv_json_lines_and_parquet(medmtl, pipeline, tmp_path, columns):
    """Usual names of columns are found in any case, others are given; ids are kept, also whole numbers."""
    pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    id_column, text_column = columns
    given = ["--id-column", id_column, "--text-column", text_column] if columns == ("row", "body") else []
    (tmp_path / "a.csv").write_text(f'more;{id_column};{text_column}\nx;7;"A ""cough"";\nyes"\n', encoding="utf-8-sig")
    (tmp_path / "b.jsonl").write_text(json.dumps({id_column: 8, text_column: "cough"}) + "\n\n", encoding="utf8")
    table = pyarrow.table({text_column: ["cough", None], id_column: [9.0, None]})
    parquet.write_table(table, tmp_path / "c.parquet")
    output = tmp_path / "out.jsonl"
    inputs = [tmp_path / name for name in ("a.csv", "b.jsonl", "c.parquet")]
    result = medmtl("annotate", pipeline, *inputs, "-o", output, *given)
    assert result.exit_code == 0, result.output
    assert [(line["doc_id"], len(line["findings"])) for line in json_rows(output)] == [("7", 1), ("8", 1), ("9", 1)]
    assert json_rows(output)[0]["sentences"][-1]["text"] == 'A "cough";\nyes'
    assert failures(output) == {"c.parquet:2": "E519"}
    assert "1 note(s) without text" in unwrapped(result.output)


def test_an_output_among_the_inputs_is_no_note(medmtl, pipeline, notes):
    (notes / "empty.txt").touch()
    for name in ("out.csv", "out.jsonl"):
        before = None
        for _ in range(2):
            assert medmtl("annotate", pipeline, notes, "-o", notes / name).exit_code == 0
            assert failures(notes / name)["empty"] == "E519"
            assert before in (None, (notes / name).read_bytes())
            before = (notes / name).read_bytes()
        (notes / name).unlink()
        (notes / f"{name}.failures.jsonl").unlink()


def test_brat_files_may_stand_beside_the_notes(medmtl, pipeline, notes):
    assert medmtl("annotate", pipeline, notes, "-o", notes, "--format", "brat").exit_code == 0
    assert (notes / "ward" / "b.ann").exists()
    assert (notes / "a.txt").read_bytes() == b"A cough.\r\nNo more."


def test_a_damaged_parquet_file_is_listed_and_force_waits_for_the_pipeline(medmtl, pipeline, tmp_path):
    pytest.importorskip("pyarrow")
    (tmp_path / "x.parquet").write_bytes(b"PAR1 nothing PAR1")
    output = tmp_path / "o.jsonl"
    assert medmtl("annotate", pipeline, tmp_path / "x.parquet", "-o", output).exit_code == 3
    assert failures(output) == {"x.parquet": "E512"}
    assert medmtl("annotate", tmp_path / "none", tmp_path / "x.parquet", "-o", output, "--force").exit_code == 1
    assert output.exists()


def test_ids_that_cannot_be_written_are_lost_alone(medmtl, pipeline, tmp_path):
    (tmp_path / "a.csv").write_bytes(b"id,text\ncaf\xe9,A cough.\nb,A cough.\n")
    (tmp_path / "b.jsonl").write_text('{"id": "\\ud800", "text": "A cough."}\n{"id": "d", "text": "A cough."}\n')
    output = tmp_path / "out.jsonl"
    assert medmtl("annotate", pipeline, tmp_path / "a.csv", tmp_path / "b.jsonl", "-o", output).exit_code == 3
    assert [line["doc_id"] for line in json_rows(output)] == ["b", "d"]
    assert failures(output) == {"caf\\udce9": "E514", "\\ud800": "E514"}


def test_standard_input_is_json_lines_or_a_note(medmtl, pipeline, tmp_path):
    from typer.testing import CliRunner

    from spacy_medmtl.cli import app

    for given, ids in (
        (b'{"id": 1, "text": "cough"}\n{"id": 2, "text": "x"}\n', ["1", "2"]),
        (b"{ cough }", ["stdin"]),
    ):
        output = tmp_path / f"{ids[0]}.jsonl"
        result = CliRunner().invoke(app, ["annotate", str(pipeline), "-", "-o", str(output)], input=given)
        assert result.exit_code == 0, result.output
        assert [line["doc_id"] for line in json_rows(output)] == ids
        assert len(json_rows(output)[0]["findings"]) == 1


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be"])
def test_notes_of_other_encodings_are_read_where_their_first_bytes_tell(medmtl, pipeline, tmp_path, encoding: str):
    contents = {"a.txt": "a cough", "b.csv": 'id,text\n1,"a\ncough"\n', "c.jsonl": '{"id": 2, "text": "a cough"}\n'}
    (tmp_path / "notes").mkdir()
    for name, content in contents.items():
        (tmp_path / "notes" / name).write_bytes(content.encode(encoding))
    medmtl("annotate", pipeline, tmp_path / "notes", "-o", tmp_path / "x.jsonl")
    assert [(line["doc_id"], len(line["findings"])) for line in json_rows(tmp_path / "x.jsonl")] == [
        ("a", 1),
        ("1", 1),
        ("2", 1),
    ]


def test_rows_that_are_no_csv_are_told_by_their_number(medmtl, pipeline, tmp_path):
    source = tmp_path / "x.csv"
    source.write_bytes(b'id,text\n1,a cough\n2,a,b\n3,"x"y"\n4,caf\xe9\n5,cough\n')
    assert medmtl("annotate", pipeline, source, "-o", tmp_path / "x.jsonl").exit_code == 3
    assert failures(tmp_path / "x.jsonl") == {"x.csv:3": "E513", "x.csv:4": "E513", "4": "E514"}
    assert [line["doc_id"] for line in json_rows(tmp_path / "x.jsonl")] == ["1", "5"]
    source.write_text(f"{SECRET}\nmore\n", encoding="utf8")
    result = medmtl("annotate", pipeline, source, "-o", tmp_path / "y.jsonl")
    assert failures(tmp_path / "y.jsonl") == {"x.csv": "E513"}
    assert SECRET not in result.output + (tmp_path / "y.jsonl.failures.jsonl").read_text(encoding="utf8")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "\n\nid,text\n1,A cough.\n"),
        ("a.csv", "sep=;\nid;text\n1;A cough.\n"),
        ("a.csv", 'id, text\n1, "A cough, today."\n'),
        ("a.csv", "id,text\n1,A cough.,,\n"),
        ("a.tab", "id\ttext\n1\tA cough.\n"),
        ("a.json", '[\n {"id": 1, "text": "A cough."}\n]'),
        ("a.jsonl", '[{"id": 1, "text": "A cough."}]'),
    ],
)
def test_tables_as_people_save_them(medmtl, pipeline, tmp_path, name, content):
    (tmp_path / name).write_text(content)
    output = tmp_path / "out.jsonl"
    assert medmtl("annotate", pipeline, tmp_path / name, "-o", output).exit_code == 0
    assert [(line["doc_id"], line["sentences"][0]["text"].startswith("A cough")) for line in json_rows(output)] == [
        ("1", True)
    ]


def test_a_column_is_named_in_any_case(medmtl, pipeline, tmp_path):
    (tmp_path / "a.csv").write_text("id,Note Body\n1,A cough.\n")
    output = tmp_path / "out.jsonl"
    assert medmtl("annotate", pipeline, tmp_path / "a.csv", "-o", output, "--text-column", "note body").exit_code == 0


def test_files_of_programs_are_no_notes_and_hidden_ones_are_not_read(medmtl, pipeline, tmp_path):
    (tmp_path / "x" / ".ipynb_checkpoints").mkdir(parents=True)
    (tmp_path / "x" / ".ipynb_checkpoints" / "a-checkpoint.txt").write_text("A cough.")
    (tmp_path / "x" / "a.txt").write_text("A cough.")
    (tmp_path / "b.txt").write_bytes(b"PK\x03\x04docx")
    output = tmp_path / "out.jsonl"
    assert medmtl("annotate", pipeline, tmp_path / "x", tmp_path / "b.txt", "-o", output).exit_code == 3
    assert [line["doc_id"] for line in json_rows(output)] == ["a"]
    assert failures(output) == {"b": "E512"}


def test_files_of_one_name_are_called_by_their_paths(medmtl, pipeline, tmp_path):
    for folder in ("x", "y"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.txt").write_text("A cough.")
    output = tmp_path / "out.jsonl"
    inputs = [tmp_path / folder / "a.txt" for folder in ("x", "y")]
    assert medmtl("annotate", pipeline, *inputs, "-o", output).exit_code == 0
    assert len({line["doc_id"] for line in json_rows(output)}) == 2


@pytest.mark.parametrize("header", ["id,text", "\ufeffid,text", '\ufeff"id","text"'])
def test_tables_that_were_appended_to_one_another(medmtl, pipeline, tmp_path, header):
    """The header that stands between them is no note."""
    (tmp_path / "a.csv").write_text(f"{header}\n1,A cough.\n{header}\n2,No fever.\n", encoding="utf8")
    result = medmtl("annotate", pipeline, tmp_path / "a.csv", "-o", tmp_path / "out.jsonl")
    assert result.exit_code == 0, result.output
    assert [line["doc_id"] for line in json_rows(tmp_path / "out.jsonl")] == ["1", "2"]


def test_an_id_is_the_name_without_its_suffix_in_capitals_too(medmtl, pipeline, tmp_path):
    for folder in ("one", "two"):
        (tmp_path / "in" / folder).mkdir(parents=True)
        (tmp_path / "in" / folder / "NOTE.TXT").write_text("A cough.")
    assert medmtl("annotate", pipeline, tmp_path / "in", "-o", tmp_path / "x.jsonl").exit_code == 0
    assert [line["doc_id"] for line in json_rows(tmp_path / "x.jsonl")] == ["one/NOTE", "two/NOTE"]
    assert medmtl("annotate", pipeline, tmp_path / "in" / "one" / "NOTE.TXT", "-o", tmp_path / "y.jsonl").exit_code == 0
    assert [line["doc_id"] for line in json_rows(tmp_path / "y.jsonl")] == ["NOTE"]


@pytest.mark.parametrize(
    ("name", "head", "says"),
    [
        ("a.arrow", b"ARROW1\0\0\xff\xff", "an Arrow or Feather file"),
        ("a.csv", b"BZh91AY", "a bzip2 file"),
        ("a.jsonl", b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
        ("a.rtf", b"{\\rtf1\\ansi A cough.}", "RTF"),
        ("a.csv", b"\n\n", "expected a header"),
        ("a.csv", b"", "expected a header"),
    ],
)
def test_why_a_file_has_no_notes(medmtl, pipeline, tmp_path, name, head, says):
    (tmp_path / name).write_bytes(head)
    result = medmtl("annotate", pipeline, tmp_path / name, "-o", tmp_path / "x.jsonl")
    assert result.exit_code == 3
    assert says in unwrapped(result.output)
