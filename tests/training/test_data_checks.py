"""``medmtl debug-data``: what it finds in corpora that are wrong in a known way, and what it says of good ones."""

import json
import shutil

import pytest
import spacy
from spacy.tokens import Doc, DocBin, Span
from toy import CASE, CASES, TEXTS, make_examples
from typer.testing import CliRunner

from spacy_medmtl.annotations.groups import (
    ANNOTATED_LABELS,
    ENTITIES,
    FINDINGS,
    GIVEN_SPANS_ONLY,
    INTENTS,
    write_group,
)
from spacy_medmtl.annotations.relations import JudgedPair, write_relations
from spacy_medmtl.cli import app
from spacy_medmtl.errors import MedmtlError
from spacy_medmtl.training.checks import check_config

annotate_entities = CASE["sru_nested_ner"].annotate
annotate_intents = CASE["sentence_intent"].annotate

CONFIG = """
[paths]
encoder = null

[nlp]
lang = "en"
pipeline = ["encoder",{pipeline}]

[components]

[components.encoder]
factory = "medmtl_progressive_tok2vec"

[components.encoder.model]
@architectures = "spacy-medmtl.ProgressiveTransformer.v1"
routes = [{routes}]
window = {window}
stride = 8

[components.encoder.model.sharing]
@misc = "spacy-medmtl.progressive_rule.v1"

{heads}
[corpora]

[corpora.train]
@readers = "spacy-medmtl.MultitaskCorpus.v1"

[corpora.train.corpora]
{train}
[corpora.dev]
@readers = "spacy-medmtl.MultitaskCorpus.v1"

[corpora.dev.corpora]
{dev}
[training]
train_corpus = "corpora.train"
dev_corpus = "corpora.dev"

[training.batcher]
@batchers = "spacy-medmtl.task_batcher.v1"
size = 64

[training.batcher.schedule]
@misc = "spacy-medmtl.round_robin.v1"

[initialize]

[initialize.components]

[initialize.components.encoder]

[initialize.components.encoder.loader]
@misc = "spacy-medmtl.local_encoder.v1"
path = ${{paths.encoder}}
"""
ONLY_NER = ["sru_nested_ner"]


@pytest.fixture
def nlp():
    return spacy.blank("en")


@pytest.fixture
def config(tmp_path, tiny_encoder):
    """Write a config for corpora of Docs: part -> name -> Docs."""

    def write_config(heads=ONLY_NER, window=64, **parts):
        entries = {"train": "", "dev": ""}
        for part, corpora in parts.items():
            for name, docs in corpora.items():
                path = tmp_path / f"{part}-{name}.spacy"
                DocBin(docs=docs, store_user_data=True).to_disk(path)
                entries[part] += f'\n[corpora.{part}.corpora.{name}]\npath = "{path}"\n'
        blocks = "".join(f'[components.{head}]\nfactory = "{head}"\n' for head in heads)
        pipeline = routes = ",".join(f'"{head}"' for head in heads)
        path = tmp_path / "c.cfg"
        text = CONFIG.format(pipeline=pipeline, routes=routes, heads=blocks, window=window, **entries)
        path.write_text(text.replace("encoder = null", f'encoder = "{tiny_encoder}"', 1))
        return path

    return write_config


def check(path):
    return check_config(path, {}, lambda examples, part: examples)


def codes(report):
    return [text.split("]")[0].removeprefix("[MEDMTL-") for text in (*report.errors, *report.warnings)]


def gold(nlp, *annotate, texts=tuple(TEXTS)):
    return [example.reference for example in make_examples(nlp, *annotate, texts=texts)]


def doc_of(nlp, text, *spans, labels=None):
    doc = nlp.make_doc(text)
    group = write_group(doc, ENTITIES, [Span(doc, *span) for span in spans])
    if labels is not None:
        group.attrs[ANNOTATED_LABELS] = labels
    return doc


def test_a_route_that_nobody_reads(nlp, config):
    path = config(train={"a": gold(nlp, annotate_entities)}, dev={"a": gold(nlp, annotate_entities)})
    path.write_text(path.read_text().replace('routes = ["', 'routes = ["summary","'))
    (error,) = check(path).errors
    assert "E028" in error
    assert "['summary'] of 'encoder'" in error


def test_good_data_gives_no_findings(nlp, config):
    annotate = [case.annotate for case in CASES]
    docs = gold(nlp, *annotate)
    dev = gold(nlp, *annotate, texts=[f"{text} thanks ." for text in TEXTS])
    report = check(config([case.factory for case in CASES], train={"toy": docs}, dev={"toy": dev}))
    assert codes(report) == []
    assert {name: sorted(parts["train"].labels) for name, parts in report.data.items()} == {
        case.factory: list(case.labels) for case in CASES
    }


def test_missing_is_not_empty(nlp, config):
    docs = [*gold(nlp, annotate_entities), doc_of(nlp, "nothing here ."), nlp.make_doc("never looked at .")]
    data = check(config(train={"toy": docs}, dev={"toy": docs[:1]})).data["sru_nested_ner"]["train"]
    assert (data.annotated, data.empty, data.missing) == (4, 1, 1)
    assert data.by_corpus == {"toy": {"annotated": 4, "empty": 1}}


def test_tasks_without_gold(nlp, config):
    docs = gold(nlp, annotate_entities)
    report = check(config(["sru_nested_ner", "sentence_intent"], train={"toy": docs}, dev={"toy": docs}))
    assert codes(report) == ["E311", "W310", "W315"]
    assert "sentence_intent" in report.errors[0]


def test_labels_of_the_dev_part_only(nlp, config):
    report = check(config(train={"a": [doc_of(nlp, "a b", (0, 1, "X"))]}, dev={"a": [doc_of(nlp, "c d", (0, 1, "Y"))]}))
    assert codes(report) == ["W311"]
    assert "['Y']" in report.warnings[0]


def test_spans_that_the_head_cannot_express(nlp, config):
    crossing = doc_of(nlp, "a b c d", (0, 2, "X"), (1, 3, "X"), (0, 3, "Y"))
    report = check(config(train={"a": [crossing]}, dev={"a": [doc_of(nlp, "e", (0, 1, "X"))]}))
    assert codes(report) == ["W312"]
    assert "crosses another of its label" in report.warnings[0]


@pytest.mark.parametrize(
    ("head", "key", "expected"), [("sru_nested_ner", ENTITIES, 1), ("sentence_intent", INTENTS, 0)]
)
def test_spans_that_end_with_white_space(nlp, config, head, key, expected):
    """A mistake of annotation in an entity, and in a sentence the line break that belongs to it."""

    def doc_with_a_line_break(text):
        doc = nlp(text)
        write_group(doc, key, [Span(doc, 0, len(doc), "X")])
        return doc

    train, dev = doc_with_a_line_break("fever\n"), doc_with_a_line_break("cough")
    assert codes(check(config([head], train={"a": [train]}, dev={"a": [dev]}))) == ["W316"] * expected


def test_spans_off_the_tokens_of_the_pipeline(nlp, config):
    """The corpus has tokens that the pipeline's tokenizer does not make."""
    split = Doc(nlp.vocab, words=["un", "well"], spaces=[False, False])
    write_group(split, ENTITIES, [Span(split, 1, 2, "X")])
    report = check(
        config(train={"a": [split, doc_of(nlp, "b", (0, 1, "X"))]}, dev={"a": [doc_of(nlp, "c", (0, 1, "X"))]})
    )
    assert codes(report) == ["W312"]
    assert "1 gold span(s) of the train corpus" in report.warnings[0]
    assert "not on token borders" in report.warnings[0]


def test_sentences_over_the_window(nlp, config):
    docs = [doc_of(nlp, "xyxyxyxyxyxyxyxyxyxy", (0, 1, "X")), doc_of(nlp, "fever", (0, 1, "X"))]
    report = check(config(window=16, train={"a": docs}, dev={"a": [doc_of(nlp, "b", (0, 1, "X"))]}))
    assert codes(report) == ["W313"]
    assert "1 sentence(s) of the train corpus have more than the 16" in report.warnings[0]


@pytest.mark.parametrize(
    ("first", "other", "expected"),
    [
        ([(0, 1, "X")], [(0, 1, "X")], []),
        ([(0, 1, "X")], [(0, 2, "X")], ["W314"]),
        ([(0, 1, "X")], [], ["W314"]),
        ([(0, 1, "X")], [(0, 1, "Y")], ["W314"]),
    ],
)
def test_equal_texts_with_other_gold(nlp, config, first, other, expected):
    dev = {"a": [doc_of(nlp, "c d", (0, 1, "X"))]}
    train = {"a": [doc_of(nlp, "a b", *first)], "b": [doc_of(nlp, "a b", *other)]}
    assert codes(check(config(train=train, dev=dev))) == expected


def test_partly_annotated_corpora_do_not_conflict(nlp, config):
    """Each says nothing of the other's label."""
    train = {
        "a": [doc_of(nlp, "a b", (0, 1, "X"), labels=["X"])],
        "b": [doc_of(nlp, "a b", (1, 2, "Y"), labels=["Y"])],
    }
    assert codes(check(config(train=train, dev={"a": [doc_of(nlp, "c d", (0, 1, "X"))]}))) == []


@pytest.mark.parametrize(("start", "expected"), [(0, ["W314"]), (1, [])])
def test_given_findings_conflict_by_status_only(nlp, config, start, expected):
    docs = []
    for first, status in ((0, "positive"), (start, "negative")):
        doc = nlp.make_doc("a b")
        group = write_group(doc, FINDINGS, [Span(doc, first, first + 1, "F")], assertion=[status])
        group.attrs[GIVEN_SPANS_ONLY] = True
        docs.append(doc)
    other = nlp.make_doc("c d")
    write_group(other, FINDINGS, [Span(other, 0, 1, "F")], assertion=["positive"])
    assert codes(check(config(["cpncf_assertion"], train={"a": docs}, dev={"a": [other]}))) == expected


@pytest.mark.parametrize(
    ("n_docs", "labels", "expected"),
    [(20, ["dose"], ["W319"]), (5, ["dose"], []), (20, ["dose", None], [])],
)
def test_pairs_of_entities_that_are_all_related(nlp, config, n_docs, labels, expected):
    """Of files that list relations alone, training would see no pair without one."""
    parts = {"train": [], "dev": []}
    for part, docs in parts.items():
        for number in range(n_docs):
            doc = nlp.make_doc(f"{part} {number} a b")
            held = labels[number % len(labels)]
            write_relations(doc, [JudgedPair((2, 3), (3, 4), (held,) if held else (), float(bool(held)), ("A", "B"))])
            docs.append(doc)
    path = config(["pair_relation"], **{part: {"a": docs} for part, docs in parts.items()})
    assert codes(check(path)) == [], "of neighbouring sentences all may be related"
    getter = '[components.pair_relation.candidates]\n@misc = "spacy-medmtl.entity_pairs.v1"\n'
    path.write_text(path.read_text().replace("[corpora]\n", f"{getter}[corpora]\n", 1))
    assert codes(check(path)) == expected


def test_texts_that_are_trained_on_and_tested(nlp, config):
    docs = gold(nlp, annotate_entities)
    report = check(config(train={"a": docs}, dev={"a": docs[:2]}))
    assert codes(report) == ["W315"]
    assert "2 text(s)" in report.warnings[0]


@pytest.mark.parametrize("damage", ["[nlp", 'factory = "no_such_thing"', "missing"])
def test_broken_configs_are_coded(nlp, config, damage):
    path = config(train={"a": gold(nlp, annotate_entities)}, dev={"a": gold(nlp, annotate_entities)})
    text = path.read_text()
    if damage == "missing":
        path.unlink()
    elif damage.startswith("factory"):
        path.write_text(text.replace('factory = "sru_nested_ner"', damage))
    else:
        path.write_text(text.replace("[nlp]", damage))
    with pytest.raises(MedmtlError) as error:
        check(path)
    assert error.value.code == "E310"
    if damage.startswith("factory"):
        assert damage.split('"')[1] in str(error.value), "spaCy's cause is told"


def test_a_missing_corpus_is_coded(nlp, config, tmp_path):
    path = config(train={"a": gold(nlp, annotate_entities)}, dev={"a": gold(nlp, annotate_entities)})
    (tmp_path / "dev-a.spacy").unlink()
    with pytest.raises(MedmtlError, match="MEDMTL-E301"):
        check(path)


def test_command_prints_and_fails_on_errors(nlp, config, tiny_encoder, tmp_path):
    docs = gold(nlp, annotate_entities, annotate_intents)
    heads = ["sru_nested_ner", "sentence_intent"]
    path = config(heads, train={"toy": docs}, dev={"toy": gold(nlp, annotate_intents)})
    result = CliRunner().invoke(app, ["debug-data", str(path)])
    assert result.exit_code == 0, result.output
    assert "BODY" in result.output
    assert "MEDMTL-W310" in result.output
    assert not any(word in result.output for word in ("knee", "fever", "cough"))
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(tiny_encoder, elsewhere)
    result = CliRunner().invoke(app, ["debug-data", str(path), "--json", "--paths.encoder", str(elsewhere)])
    report = json.loads(result.stdout)
    assert report["components"]["sru_nested_ner"]["train"]["labels"] == {"BODY": 3, "SIGN": 5}
    path = config(["pair_relation"], train={"toy": docs}, dev={"toy": docs})
    result = CliRunner().invoke(app, ["debug-data", str(path)])
    assert result.exit_code == 1
    assert "MEDMTL-E311" in result.output
