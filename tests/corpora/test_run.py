"""From files to files: what is written, twice the same, and every wrong option or input named."""

import json
from importlib.metadata import entry_points
from pathlib import Path

import pytest
import spacy
import srsly
from spacy.tokens import DocBin

from spacy_medmtl.corpora import run
from spacy_medmtl.corpora.reader import GROUP, readers
from spacy_medmtl.corpora.run import Job, audit_path, convert_corpus, position
from spacy_medmtl.errors import MedmtlError

NEGEX = "".join(f"1\tgout\tGOUT, case {i % 40}.\tNegated\tRecent\tPatient\n" for i in range(120))
SAMPLE = "".join(f"# doc a-{i}\n<ask> Any [itch {i}|Problem-]?\n^<complaint> No {i}.\n" for i in range(9))


def read(path):
    return list(DocBin().from_disk(path).get_docs(spacy.blank("en").vocab))


def test_twice_the_same_bytes(write, tmp_path):
    source = write("a.txt", SAMPLE)
    outputs = [tmp_path / name / "x.spacy" for name in ("first-run", "other-run")]
    for output in outputs:
        convert_corpus(Job("sample", [source], output))
    assert outputs[0].read_bytes() == outputs[1].read_bytes()
    reports = [audit_path(output).read_text().replace(output.parent.name, "") for output in outputs]
    assert reports[0] == reports[1]


def test_docs_survive_the_disk(write, tmp_path):
    convert_corpus(Job("sample", [write("a.txt", SAMPLE)], tmp_path / "x.spacy"))
    doc = read(tmp_path / "x.spacy")[0]
    assert doc.spans["medmtl_findings"].attrs["assertion"] == ["negative"]
    assert len(list(doc.sents)) == 2
    assert not doc.has_annotation("ENT_IOB")
    assert not doc.user_data


def test_split_keeps_equal_sentences_together(write, tmp_path):
    source = write("a.tsv", NEGEX)
    job = Job("negex", [source], tmp_path / "x.spacy", dev_share=0.3)
    audit = convert_corpus(job)
    train, dev = ({doc.text for doc in read(path)} for path in (job.output, job.dev_path()))
    assert train
    assert dev
    assert not train & dev
    assert len(train | dev) == 40
    assert sum(counts.documents for counts in audit.outputs.values()) == 120
    assert job.dev_path().name == "x_dev.spacy"


def test_share_of_the_split():
    share = sum(position(f"text {i}", seed=0) < 0.2 for i in range(5000)) / 5000
    assert 0.18 < share < 0.22


def test_folder_stands_for_its_files(write, tmp_path):
    (tmp_path / "train").mkdir()
    for name in ("b", "a"):
        (tmp_path / "train" / f"{name}.txt").write_text(f"# doc {name}\n<plan> From {name}.\n")
    convert_corpus(Job("sample", [tmp_path / "train"], tmp_path / "x.spacy"))
    assert [doc.text for doc in read(tmp_path / "x.spacy")] == ["From a.", "From b."]


def test_report_lists_every_loss_and_stop_writes_nothing(write, tmp_path):
    source = write("a.tsv", NEGEX + "broken\nbroken too\n")
    output = tmp_path / "out" / "x.spacy"
    with pytest.raises(MedmtlError, match="line 121"):
        convert_corpus(Job("negex", [source], output))
    assert not output.parent.exists()
    convert_corpus(Job("negex", [source], output, on_error="report"))
    report = json.loads(audit_path(output).read_text())
    assert [(change["line"], change["outcome"]) for change in report["changes"]] == [(121, "dropped"), (122, "dropped")]
    assert "broken" not in audit_path(output).read_text()


@pytest.mark.parametrize("name", sorted(readers()))
@pytest.mark.parametrize("on_error", ["stop", "report"])
def test_bad_inputs_are_coded_errors(name, on_error, write, tmp_path):
    (tmp_path / "folder").mkdir()
    inputs = {
        "missing": tmp_path / "missing",
        "empty": write("empty.txt", ""),
        "folder": tmp_path / "folder",
        "binary": write("binary.txt", bytes(range(256)) * 20),
        "utf16": write("utf16.txt", "Yes.\n".encode("utf-16-le")),  # read as such, but of no format
        "other": write("other.txt", "{'some': 'thing else'}\n\n\t\t\n"),
    }
    for path in inputs.values():
        with pytest.raises(MedmtlError) as error:
            convert_corpus(Job(name, [path], tmp_path / "x.spacy", on_error=on_error))
        assert error.value.code in ("E401", "E402", "E405")
        assert path.name in str(error.value) or error.value.code == "E405"
    assert not (tmp_path / "x.spacy").exists()


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"name": "nonsense"}, "E403"),
        ({"dev_share": 1.5}, "E404"),
        ({"dev_output": "d.spacy"}, "E404"),
        ({"on_error": "ignore"}, "E404"),
        ({"lang": "xx-no-such"}, "E406"),
        ({"lang": "punctuation"}, "E406"),  # a module beside those of the languages
        ({"output": "x.json"}, "E407"),
        ({"output": "taken/x.spacy"}, "E407"),
        ({"output": "folder.spacy"}, "E407"),
        ({"dev_share": 0.5, "dev_output": "x.spacy"}, "E407"),
    ],
)
def test_wrong_options_are_coded_errors(write, tmp_path, options, code):
    write("taken", "a file")
    (tmp_path / "folder.spacy").mkdir()
    options = {"name": "negex", "output": "x.spacy", **options}
    paths = {key: tmp_path / options[key] for key in ("output", "dev_output") if key in options}
    with pytest.raises(MedmtlError) as error:
        convert_corpus(Job(inputs=[write("a.tsv", NEGEX)], **{**options, **paths}))
    assert error.value.code == code


def test_every_converter_loads():
    for name, reader in readers().items():
        read, _ = reader.configured()
        assert callable(read), name
        assert reader.help, name
        assert reader.tasks, name
        assert bool(reader.train) == bool(reader.folder or name == "sample"), name


def test_readers_of_this_package_are_all_in_the_catalogue_and_nothing_else_is():
    known = srsly.read_yaml(Path(run.__file__).with_name("catalogue.yml"))
    ours = {point.name for point in entry_points(group=GROUP) if point.value.startswith("spacy_medmtl.")}
    assert set(known) == ours


def test_span_groups_under_the_key_of_a_component(write, tmp_path):
    """The values of a group stay with it, the other groups as they are, and the audit counts what the corpus has."""
    source = write("a.txt", SAMPLE)
    plain = convert_corpus(Job("sample", [source], tmp_path / "plain.spacy"))
    kept = convert_corpus(Job("sample", [source], tmp_path / "x.spacy", groups={"medmtl_findings": "own"}))
    docs = list(zip(read(tmp_path / "plain.spacy"), read(tmp_path / "x.spacy"), strict=True))
    n_moved = 0
    for before, after in docs:
        given, moved = before.spans.pop("medmtl_findings", None), after.spans.pop("own", None)
        assert list(after.spans) == list(before.spans)
        if given is not None:
            assert moved.attrs == given.attrs
            places = [[(one.start, one.end, one.label_) for one in group] for group in (given, moved)]
            assert places[0] == places[1]
            n_moved += len(moved)
    assert n_moved == 9
    assert next(iter(kept.outputs.values())).spans == next(iter(plain.outputs.values())).spans
    report = json.loads(audit_path(tmp_path / "x.spacy").read_text())
    assert report["groups"] == {"medmtl_findings": "own"}
