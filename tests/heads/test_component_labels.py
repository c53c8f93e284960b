"""Labels of every head: where they come from, when they may be added, what unknown and unusable gold does."""

from pathlib import Path

import pytest
import srsly
from spacy.cli.init_pipeline import init_labels_cli
from spacy.tokens import Doc, DocBin, Span
from spacy.training import Example
from toy import CASE, CASES, TEXTS, make_example, make_examples, weights, with_sentences

from spacy_medmtl.annotations.groups import INTENTS, write_group
from spacy_medmtl.annotations.relations import JudgedPair, write_relations
from spacy_medmtl.errors import MedmtlError, MedmtlWarning

each_head = pytest.mark.parametrize("case", CASES, ids=lambda case: case.factory)


def annotate_unknown(case):
    """The toy gold with another label put in its place everywhere."""

    def annotate(doc):
        case.annotate(doc)
        group = doc.spans[case.key]
        if "labels" in group.attrs:
            group.attrs["labels"] = [["STRANGE"] for _ in group.attrs["labels"]]
        else:
            spans = [Span(doc, s.start, s.end, label="STRANGE") for s in group]
            values = {name: list(values) for name, values in group.attrs.items()}
            write_group(doc, case.key, spans, **values)

    return annotate


@each_head
def test_add_label_before_initialisation(case, make_nlp):
    """A label that the examples lack keeps its output."""
    nlp = make_nlp(case.factory)
    pipe = nlp.get_pipe(case.factory)
    assert pipe.add_label("OTHER") == 1
    assert pipe.add_label("OTHER") == 0
    nlp.initialize(lambda: make_examples(nlp, case.annotate))
    assert pipe.labels == tuple(sorted([*case.labels, "OTHER"]))
    assert pipe.model.get_dim("nO") == pipe.n_outputs() > case.n_outputs


@pytest.mark.parametrize("case", [case for case in CASES if not case.can_grow], ids=lambda case: case.factory)
def test_add_label_after_initialisation_is_an_error(case, make_nlp):
    nlp = make_nlp(case.factory)
    nlp.initialize(lambda: make_examples(nlp, case.annotate))
    pipe = nlp.get_pipe(case.factory)
    assert pipe.add_label(case.labels[0]) == 0
    with pytest.raises(MedmtlError, match=f"MEDMTL-E204.*'{case.factory}' after initialisation"):
        pipe.add_label("OTHER")
    assert pipe.labels == tuple(case.labels)


@each_head
def test_no_labels_anywhere_is_an_error(case, make_nlp):
    nlp = make_nlp(case.factory)
    with pytest.raises(MedmtlError, match=f"MEDMTL-E201.*'{case.factory}' has no labels.*'{case.key}'"):
        nlp.initialize(lambda: make_examples(nlp))


@each_head
@pytest.mark.parametrize("bad", [lambda: None, [], lambda: 3], ids=["none", "list", "number"])
def test_bad_get_examples_is_an_error(case, bad, make_nlp):
    pipe = make_nlp(case.factory).get_pipe(case.factory)
    with pytest.raises((TypeError, ValueError), match=r"\[E9(30|78)\]"):
        pipe.initialize(bad)


@each_head
def test_examples_of_another_kind_are_an_error(case, make_nlp):
    nlp = make_nlp(case.factory)
    nlp.initialize(lambda: make_examples(nlp, case.annotate))
    with pytest.raises(TypeError, match=f"{type(nlp.get_pipe(case.factory)).__name__}.update"):
        nlp.get_pipe(case.factory).update([nlp.make_doc(TEXTS[0])])


def test_init_labels_writes_files_that_initialise_the_same_pipeline(make_nlp, tmp_path: Path):
    """``spacy init labels`` through its own command, and its files as [initialize.components.<head>.labels]."""
    nlp = make_nlp(*(case.factory for case in CASES))
    references = [example.reference for example in make_examples(nlp, *(case.annotate for case in CASES))]
    DocBin(docs=references).to_disk(tmp_path / "gold.spacy")
    config = nlp.config.copy()
    for name in ("train", "dev"):
        config["corpora"][name]["path"] = str(tmp_path / "gold.spacy")
    config.to_disk(tmp_path / "config.cfg")
    init_labels_cli(_NoArguments(), tmp_path / "config.cfg", tmp_path / "labels", None, False, -1)
    assert {path.stem for path in (tmp_path / "labels").iterdir()} == {case.factory for case in CASES}

    again = make_nlp(*(case.factory for case in CASES))
    for case in CASES:
        path = tmp_path / "labels" / f"{case.factory}.json"
        assert srsly.read_json(path) == case.labels
        reader = {"@readers": "spacy.read_labels.v1", "path": str(path)}
        again.config["initialize"]["components"][case.factory] = {"labels": reader}
    again.initialize(lambda: make_examples(again))
    for case in CASES:
        pipe = again.get_pipe(case.factory)
        assert pipe.labels == tuple(case.labels)
        assert pipe.model.get_dim("nO") == case.n_outputs


class _NoArguments:
    """A typer context without extra arguments."""

    args = ()


@each_head
def test_a_label_file_keeps_its_order(case, make_nlp):
    nlp = make_nlp(case.factory)
    labels = [*reversed(case.labels), "OTHER"]
    nlp.config["initialize"]["components"][case.factory] = {"labels": labels}
    nlp.initialize(lambda: make_examples(nlp, case.annotate))
    assert nlp.get_pipe(case.factory).label_data == labels


@each_head
def test_unknown_label_at_update_is_an_error_that_names_it(case, make_nlp):
    nlp = make_nlp(case.factory)
    nlp.initialize(lambda: make_examples(nlp, case.annotate))
    before = weights(nlp)
    with pytest.raises(MedmtlError, match=f"MEDMTL-E202.*'{case.factory}' received the labels STRANGE"):
        nlp.update(make_examples(nlp, annotate_unknown(case)), sgd=nlp.create_optimizer())
    assert weights(nlp) == before


def with_other_tokens(nlp, case):
    """An example whose predicted Doc has tokens across the borders of one sentence and of one span of each kind."""
    reference = with_sentences(nlp, TEXTS[0])
    case.annotate(reference)
    words = ["hello", "mother", ".", "the left", "knee", "has pain . no", "fever", "."]
    predicted = Doc(nlp.vocab, words=words, spaces=[True] * 7 + [False])
    assert predicted.text == reference.text
    return Example(predicted, reference)


@pytest.mark.parametrize("case", [case for case in CASES if case.finds_spans], ids=lambda case: case.factory)
def test_spans_off_the_token_borders_are_counted_and_left_out(case, make_nlp):
    """Of "left knee", "fever" one is kept; of "pain", "fever" one."""
    nlp = make_nlp(case.factory)
    examples = [with_other_tokens(nlp, case), *make_examples(nlp, case.annotate, texts=TEXTS[1:])]
    with pytest.warns(MedmtlWarning, match=rf"W201.* {case.factory}: 1 gold span\(s\).*not on token borders"):
        nlp.initialize(lambda: examples)
    gold = nlp.get_pipe(case.factory)._gold(examples[0])
    assert [tuple(found[:4]) for found in gold] == case.kept_off_borders


def test_units_off_the_token_borders_are_widened(make_nlp):
    """Intents and pairs are about whole sentences: tokens that a border cuts are taken in, and nothing is lost."""
    nlp = make_nlp("sentence_intent", "pair_relation")
    intents, pairs = (with_other_tokens(nlp, case) for case in (CASE["sentence_intent"], CASE["pair_relation"]))
    annotate = [CASE[head].annotate for head in ("sentence_intent", "pair_relation")]
    nlp.initialize(lambda: [intents, pairs, *make_examples(nlp, *annotate)])
    readings, _ = nlp.get_pipe("sentence_intent").training_batch([intents])
    assert [(unit.start, unit.end) for unit in readings[0].units] == [(0, 3), (3, 6), (5, 8)]
    readings, _ = nlp.get_pipe("pair_relation").training_batch([pairs])
    assert readings[0].pairs == [((0, 3), (3, 6)), ((3, 6), (5, 8))]


def test_a_unit_of_white_space_is_counted(make_nlp):
    nlp = make_nlp("sentence_intent")
    reference = nlp.make_doc("hello \n\n mother")
    write_group(reference, INTENTS, [Span(reference, i, i + 1, label="SOCIAL") for i in range(3)])
    with pytest.warns(MedmtlWarning, match=r"MEDMTL-W201.*sentence_intent: 1 gold span\(s\).*empty"):
        nlp.initialize(lambda: [Example(nlp.make_doc(reference.text), reference)])


def test_a_pair_of_nothing_is_counted(make_nlp):
    nlp = make_nlp("pair_relation")

    def annotate(doc):
        write_relations(doc, [JudgedPair((0, 3), (3, 3), ("AGREE",), 1.0), JudgedPair((0, 3), (3, 8), ("AGREE",), 1.0)])

    with pytest.warns(MedmtlWarning, match=r"MEDMTL-W201.*pair_relation: 1 gold span\(s\).*empty"):
        nlp.initialize(lambda: [make_example(nlp, TEXTS[0], annotate)])


def test_two_pipes_of_one_family_keep_apart(make_nlp):
    """Distinct score keys, span keys and routes; both are scored by name, and each learns only its own gold."""
    listener = {"@architectures": "spacy-medmtl.RouteListener.v1", "route": "pair_relation", "view": "sentence"}
    model = {"@architectures": "spacy-medmtl.SentenceIntent.v1", "tok2vec": listener}
    nlp = make_nlp("sentence_intent", ("sentence_intent", "tone", {"spans_key": "tones", "model": model}))

    def annotate_tones(doc):
        label = "FRIENDLY" if "hello" in doc.text else "DRY"
        write_group(doc, "tones", [Span(doc, sent.start, sent.end, label=label) for sent in doc.sents])

    examples = make_examples(nlp, CASE["sentence_intent"].annotate, annotate_tones)
    optimizer = nlp.initialize(lambda: examples)
    assert nlp.get_pipe("sentence_intent").labels == ("DENIAL", "FINDING", "SOCIAL")
    assert nlp.get_pipe("tone").labels == ("DRY", "FRIENDLY")
    losses = {}
    nlp.update(examples, sgd=optimizer, losses=losses)
    assert set(losses) == {"encoder", "sentence_intent", "tone"}
    doc = nlp(TEXTS[0])
    assert {span.label_ for span in doc.spans["tones"]} <= {"DRY", "FRIENDLY"}
    assert {span.label_ for span in doc.spans["medmtl_intents"]} <= {"DENIAL", "FINDING", "SOCIAL"}
    scores = nlp.evaluate(examples)
    assert set(scores["tone_f_per_type"]) <= {"DRY", "FRIENDLY"}
    assert set(scores["sentence_intent_f_per_type"]) <= {"DENIAL", "FINDING", "SOCIAL"}
