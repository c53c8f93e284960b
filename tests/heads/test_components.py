"""Every head: overfits a toy corpus, annotates the same whichever way it is called, and survives storage."""

from collections.abc import Callable

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from thinc.api import fix_random_seed
from toy import CASE, CASES, TEXTS, Case, make_examples, weights

from spacy_medmtl.annotations.groups import group_values
from spacy_medmtl.annotations.relations import read_relations
from spacy_medmtl.errors import MedmtlError, MedmtlWarning
from spacy_medmtl.heads.outputs import UnitLabels

ODD_TEXTS = [TEXTS[0], "", TEXTS[1], " \n ", "\n\n", TEXTS[2], "pain", TEXTS[3]]
Trained = tuple[Case, Language, float, float]


@pytest.fixture(scope="module", params=CASES, ids=lambda case: case.factory)
def trained(request: pytest.FixtureRequest, make_nlp: Callable[..., Language]) -> Trained:
    """(case, pipeline trained on the toy corpus, first loss, last loss)."""
    case: Case = request.param
    fix_random_seed(0)
    nlp = make_nlp(case.factory)
    examples = make_examples(nlp, case.annotate)
    optimizer = nlp.initialize(lambda: examples)
    history: list[float] = []
    for _ in range(case.n_updates):
        losses: dict[str, float] = {}
        nlp.update(examples, sgd=optimizer, losses=losses)
        history.append(losses[case.factory])
    return case, nlp, history[0], history[-1]


def found_in(doc: Doc, key: str) -> list[tuple]:
    """What a group says, without scores: one sorted tuple per annotation."""
    if "labels" in doc.spans[key].attrs:
        return sorted((r.head.start, r.head.end, r.tail.start, r.tail.end, r.label) for r in read_relations(doc))
    statuses = group_values(doc, key, "assertion") or [""] * len(doc.spans[key])
    return sorted((s.start, s.end, s.label_, status) for s, status in zip(doc.spans[key], statuses))


def all_of(doc: Doc, case: Case) -> tuple[list[tuple], dict[str, list]]:
    """A group with all its values, scores included."""
    group = doc.spans[case.key]
    return [(s.start, s.end, s.label_) for s in group], {name: list(group.attrs[name]) for name in case.values}


def test_labels_and_output_size_come_from_the_examples(trained):
    case, nlp, *_ = trained
    pipe = nlp.get_pipe(case.factory)
    assert pipe.labels == tuple(case.labels)
    assert pipe.label_data == list(case.labels)
    assert nlp.pipe_labels[case.factory] == list(case.labels)
    assert pipe.model.get_dim("nO") == pipe.n_outputs() == case.n_outputs


def test_overfits(trained):
    """The loss falls below a bound, the predictions are the gold, and the scorer says so."""
    case, nlp, first, last = trained
    examples = make_examples(nlp, case.annotate)
    assert last < 0.05 < first
    for example in examples:
        assert found_in(nlp(example.reference.text), case.key) == found_in(example.reference, case.key)
    scores = nlp.evaluate(examples)
    assert scores[f"{case.factory}_{case.score}"] == 1.0
    assert scores[f"{case.factory}_macro_f"] == 1.0
    assert {label.split("/")[0] for label in scores[f"{case.factory}_f_per_type"]} == set(case.labels)


def test_the_main_score_counts_for_model_selection_and_all_weighted_scores_exist(trained):
    case, nlp, *_ = trained
    weights = nlp.get_pipe_meta(case.factory).default_score_weights
    assert weights[f"{case.factory}_f"] == 1.0
    assert set(weights) <= set(nlp.evaluate(make_examples(nlp, case.annotate)))


@pytest.mark.parametrize("batch_size", [1, 2, 3, 100])
def test_pipe_annotates_as_call_does(trained, batch_size):
    """Empty and white-space Docs inside the stream included."""
    case, nlp, *_ = trained
    single = [all_of(nlp(text), case) for text in ODD_TEXTS]
    piped = [all_of(doc, case) for doc in nlp.pipe(ODD_TEXTS, batch_size=batch_size)]
    assert [spans for spans, _ in piped] == [spans for spans, _ in single]
    for (_, one), (_, other) in zip(piped, single):
        assert one.get("labels") == other.get("labels")
        assert one.get("assertion") == other.get("assertion")
        assert one["scores"] == pytest.approx(other["scores"], abs=1e-5)


@pytest.mark.parametrize("text", ["", " ", "\n", " \n \t "])
def test_a_doc_without_words_gets_an_empty_group(trained, text):
    case, nlp, *_ = trained
    doc = nlp(text)
    assert case.key in doc.spans
    assert len(doc.spans[case.key]) == 0
    assert all(doc.spans[case.key].attrs[name] == [] for name in case.values)
    assert all(len(one.spans[case.key]) == 0 for one in nlp.pipe([text, text]))


@pytest.mark.parametrize("text", ["", " \n "])
def test_a_doc_without_words_can_be_trained_on(trained, text):
    """It moves no weight, whatever its annotation says, and it may stand in a batch with others."""
    case, nlp, *_ = trained
    pipe = nlp.get_pipe(case.factory)
    before = weights(nlp)
    losses: dict[str, float] = {}
    nlp.update(make_examples(nlp, case.annotate, texts=[text, text]), sgd=nlp.create_optimizer(), losses=losses)
    assert losses[case.factory] == 0.0
    assert weights(nlp) == before
    inputs, gold = pipe.training_batch(make_examples(nlp, case.annotate, texts=[text, TEXTS[0], text]))
    scores, _ = pipe.model.begin_update(inputs)
    assert pipe.loss(gold, scores)[0] < 0.05


def test_scores_are_probabilities(trained):
    case, nlp, *_ = trained
    scores = [score for doc in nlp.pipe(TEXTS) for score in doc.spans[case.key].attrs["scores"]]
    assert scores
    assert all(isinstance(score, float) and 0.5 < score <= 1.0 for score in scores)


def test_disk_round_trip_gives_equal_predictions(trained, tmp_path):
    case, nlp, *_ = trained
    nlp.to_disk(tmp_path)
    loaded = spacy.load(tmp_path)
    assert loaded.get_pipe(case.factory).cfg == nlp.get_pipe(case.factory).cfg
    for text in TEXTS:
        assert all_of(loaded(text), case) == all_of(nlp(text), case)
    assert {path.name for path in (tmp_path / case.factory).iterdir()} == {"cfg", "model"}


def test_bytes_round_trip_gives_equal_predictions(trained, make_nlp):
    case, nlp, *_ = trained
    loaded = make_nlp(case.factory).from_bytes(nlp.to_bytes())
    for text in TEXTS:
        assert all_of(loaded(text), case) == all_of(nlp(text), case)


def test_pipe_alone_round_trips(trained, make_nlp, tmp_path):
    """A component's own to_disk, read by an untrained one of another weights."""
    case, nlp, *_ = trained
    nlp.get_pipe(case.factory).to_disk(tmp_path)
    other = make_nlp(case.factory)
    pipe = other.get_pipe(case.factory)
    pipe.from_disk(tmp_path)
    assert pipe.model.to_bytes() == nlp.get_pipe(case.factory).model.to_bytes()
    assert pipe.labels == tuple(case.labels)


def test_docbin_without_user_data_keeps_spans_and_values(trained):
    case, nlp, *_ = trained
    docs = list(nlp.pipe(TEXTS))
    stored = DocBin(docs=docs, store_user_data=False).to_bytes()
    loaded = list(DocBin().from_bytes(stored).get_docs(spacy.blank("en").vocab))
    assert [all_of(doc, case) for doc in loaded] == [all_of(doc, case) for doc in docs]
    assert [all_of(doc.copy(), case) for doc in docs] == [all_of(doc, case) for doc in docs]


def test_annotating_twice_replaces(trained):
    case, nlp, *_ = trained
    doc = nlp(TEXTS[0])
    once = all_of(doc, case)
    assert all_of(nlp.get_pipe(case.factory)(doc), case) == once


def test_a_listener_that_has_nothing_to_read_still_trains(make_nlp):
    """Docs of white space only: zero rows of their tokens, and a backward pass that leaves no gradient."""
    nlp = make_nlp("sru_nested_ner")
    nlp.initialize(lambda: make_examples(nlp, CASE["sru_nested_ner"].annotate))
    examples = make_examples(nlp, texts=[" \n ", ""])
    nlp.get_pipe("encoder").update(examples)
    listener = nlp.get_pipe("sru_nested_ner").model.layers[0]
    rows, backprop = listener([example.predicted for example in examples], is_train=True)
    assert [part.shape[0] for part in rows] == [len(example.predicted) for example in examples]
    assert not any(part.any() for part in rows)
    backprop([part + 1.0 for part in rows])
    parameters = nlp.get_pipe("encoder").model.shims[0].module.parameters()
    assert all(parameter.grad is None for parameter in parameters)


@pytest.mark.parametrize("name", ["encoder", "sru_nested_ner", "cpncf_assertion"])
def test_a_model_that_reads_no_docs_says_so(make_nlp, name):
    """``spacy debug model`` gives them to every model in the end."""
    nlp = make_nlp(*(case.factory for case in CASES))
    nlp.initialize(lambda: make_examples(nlp, *(case.annotate for case in CASES)))
    with pytest.raises(MedmtlError, match="E029"):
        nlp.get_pipe(name).model.predict([nlp.make_doc(TEXTS[0])])


def test_rows_that_are_not_those_of_the_gold_are_told(make_nlp, monkeypatch):
    """As of a head whose readings ask for a row a token, and whose gold has one a unit."""
    nlp = make_nlp("sentence_intent")
    examples = make_examples(nlp, CASE["sentence_intent"].annotate)
    nlp.initialize(lambda: examples)
    head = nlp.get_pipe("sentence_intent")
    inputs, gold = head.training_batch(examples)
    scores = head.model.predict(inputs)
    with pytest.raises(MedmtlError, match=rf"E211.*'sentence_intent' gave {len(scores)} rows for 1 units of gold"):
        head.loss(UnitLabels(gold.held[:1], gold.judged[:1]), scores)


def test_a_component_that_was_added_to_a_trained_pipeline_is_named(make_nlp):
    """Not one of its layers."""
    nlp = make_nlp(*(case.factory for case in CASES))
    nlp.initialize(lambda: make_examples(nlp, *(case.annotate for case in CASES)))
    nlp.remove_pipe("sru_nested_ner")
    nlp.add_pipe("sru_nested_ner", name="entities")
    with pytest.raises(MedmtlError, match="E210.*'entities' has no weights yet"):
        nlp(TEXTS[0])
    with nlp.select_pipes(disable="entities"):
        nlp(TEXTS[0])


def test_rehearsal_teaches_nothing_and_says_so(trained):
    case, nlp, *_ = trained
    before = weights(nlp)
    optimizer = nlp.resume_training()
    with pytest.warns(MedmtlWarning, match=rf"W208.*'{case.factory}'"):
        losses = nlp.rehearse(make_examples(nlp), sgd=optimizer)
    assert case.factory not in losses
    assert weights(nlp) == before
