"""The sets ``ner`` and ``bc5cdr_split``: which documents go where, on corpora in miniature."""

import json
import zipfile
from pathlib import Path

import pytest
import spacy
from spacy.tokens import DocBin

from spacy_medmtl.annotations.groups import ENTITIES
from spacy_medmtl.corpora.prepare import prepare, prepare_jobs
from spacy_medmtl.corpora.run import Job, convert_corpus
from spacy_medmtl.errors import MedmtlError

N = 60


def article(number, name):
    rows = f"{number}\t0\t3\tFoo\tChemical\tD\n{number}\t4\t8\tague\tDisease\tE\n"
    return f"{number}|t|Foo ague.\n{number}|a|Text {name} {number}.\n{rows}\n"


def iob(label, name):
    return "".join(f"Foo\tB-{label}\n{name}\tO\n{number}\tO\n\n" for number in range(N))


@pytest.fixture
def corpora(tmp_path):
    folder = tmp_path / "corpora"

    def write(name, content):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)

    for part, name in (("train", "train"), ("devel", "test")):
        write(f"mtl_bionlp/BC2GM-IOB/{part}.tsv", iob("GENE", name))
        write(f"mtl_bionlp/linnaeus-IOB/{part}.tsv", iob("Species", name))
    for part, name in (("Training", "train"), ("Development", "test")):
        write(f"bc5cdr/CDR_{part}Set.PubTator.txt", "".join(article(number, name) for number in range(N)))
    for part, name in (("train", "train"), ("develop", "test")):
        text = "".join(article(number, name) for number in range(N)).replace("Chemical", "Modifier")
        write(f"ncbi_disease/NCBI{part}set_corpus.txt", text.replace("Disease", "SpecificDisease"))
    for part, name in (("train", "train"), ("dev", "test")):
        rows = [
            {"doc": f"{name} {number}", "sent": sent, "text": f"Foo {name} {number}.", "entities": [[0, 3, "DNA"]]}
            for number in range(N)
            for sent in (0, 1)
        ]
        write(f"genia/{part}.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    write("jnlpba/devel.tsv", "".join(f"-DOCSTART-\tO\n\n``\tO\nFoo\tB-DNA\n{n}\tO\n''\tO\n\n" for n in range(20)))
    with zipfile.ZipFile(folder / "jnlpba/standoff_train.zip", "w") as archive:
        for number in range(N):
            archive.writestr(f"{number}.txt", f'"Foo {number}"\n')
            archive.writestr(f"{number}.ann", "T1\tDNA 1 4\tFoo\n")
    return folder


def texts(path):
    return [doc.text.strip() for doc in read(path)]


def read(path):
    return list(DocBin().from_disk(path).get_docs(spacy.blank("en").vocab))


def test_ner(corpora, tmp_path):
    out = tmp_path / "out"
    audits = prepare(prepare_jobs("ner", corpora, out, lang="en", seed=0))
    names = {"genia", "jnlpba", "bc2gm", "ncbi_disease", "linnaeus", "bc5cdr"}
    for part in ("train", "dev", "test"):
        assert {path.stem for path in (out / part).glob("*.spacy")} == names
    for name in names:
        train, dev, test = (set(texts(out / part / f"{name}.spacy")) for part in ("train", "dev", "test"))
        assert len(train) + len(dev) == N - 20 * (name == "jnlpba")
        assert 0 < len(dev) < N / 4
        assert not train & dev
        assert not (train | dev) & test
        if name != "jnlpba":
            assert all("train" in text for text in train | dev)
            assert all("test" in text for text in test)
    assert not any(audit.changes for audit in audits.values())


def test_jnlpba_is_not_tested_on_texts_that_it_trains_on(corpora, tmp_path):
    audits = prepare([job for job in prepare_jobs("ner", corpora, tmp_path, lang="en", seed=0) if job.name == "jnlpba"])
    numbers = {part: {int(doc[2].text) for doc in read(tmp_path / part / "jnlpba.spacy")} for part in ("train", "test")}
    assert numbers["test"] == set(range(20))
    assert min(numbers["train"]) >= 20
    notes = audits[str(tmp_path / "train" / "jnlpba.spacy")].notes
    assert notes["documents left out: the text stands in the files to do without"] == 20


def test_bc5cdr_split(corpora, tmp_path):
    prepare(prepare_jobs("bc5cdr_split", corpora, tmp_path, lang="en", seed=0))
    prepare(
        [
            job
            for job in prepare_jobs("ner", corpora, tmp_path / "ner", lang="en", seed=0)
            if "bc5cdr" in job.output.name
        ]
    )
    written = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.glob("[dt]*/*.spacy"))
    assert written == ["dev/bc5cdr.spacy", "test/bc5cdr.spacy", "train/chemical_half.spacy", "train/disease_half.spacy"]
    first, second = read(tmp_path / "train/disease_half.spacy"), read(tmp_path / "train/chemical_half.spacy")
    dev = read(tmp_path / "dev/bc5cdr.spacy")
    for docs, labels in ((first, ["Disease"]), (second, ["Chemical"]), (dev, ["Chemical", "Disease"])):
        assert docs
        for doc in docs:
            assert sorted({span.label_ for span in doc.spans[ENTITIES]}) == labels
            assert doc.spans[ENTITIES].attrs["annotated_labels"] == labels
    numbers = [[int(doc[-2].text) for doc in docs] for docs in (first, second, dev)]
    assert max(numbers[0]) < N / 2 <= min(numbers[1])
    assert sorted(number for part in numbers for number in part) == list(range(N))
    for part in ("dev/bc5cdr.spacy", "test/bc5cdr.spacy"):
        assert texts(tmp_path / part) == texts(tmp_path / "ner" / part)


def test_unknown_set(corpora, tmp_path):
    with pytest.raises(MedmtlError, match="E403.*ner, bc5cdr_split"):
        prepare_jobs("nonsense", corpora, tmp_path, lang="en", seed=0)


def test_places_part_a_file_and_the_audits(write, tmp_path):
    """Two jobs over one file: each lists what it widened itself, and both list what is lost."""
    rows = "".join(f"{n}|t|Somefoo {n}.\n{n}|a|x\n{n}\t4\t7\tfoo\tChemical\tD\n\n" for n in range(40))
    source = write("a.txt", rows.replace("0\t4\t7", "0\t4\t7\tfoo\tChemical\tD\n0\tx\t7", 1))
    audits = []
    for number, places in enumerate([(0.0, 0.3), (0.3, 1.0)]):
        output = Path(tmp_path / f"{number}.spacy")
        audits.append(convert_corpus(Job("pubtator", [source], output, on_error="report", places=places)))
    counts = [next(iter(audit.outputs.values())).documents for audit in audits]
    assert sum(counts) == 40
    assert 0 < counts[0] < counts[1]
    for audit, count in zip(audits, counts):
        outcomes = [change.outcome for change in audit.changes]
        assert (outcomes.count("expanded"), outcomes.count("dropped")) == (count, 1)
        assert audit.notes["documents left out: the place of the text is outside the stretch asked for"] == 40 - count


def test_file_to_do_without_that_is_missing(write, tmp_path):
    job = Job("bc2gm", [write("a.tsv", "Foo\tO\n")], tmp_path / "x.spacy", without=[tmp_path / "missing"])
    with pytest.raises(MedmtlError, match="E402.*missing"):
        convert_corpus(job)
