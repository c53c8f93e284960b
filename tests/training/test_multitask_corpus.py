"""The corpus reader: entries by name, tasks that take foreign annotation away, limits, coded errors."""

import pytest
import spacy
from spacy.tokens import Doc, DocBin, Span
from spacy.training.augment import create_lower_casing_augmenter as lower_case
from toy import CASE, CASES, TEXTS, make_examples, with_sentences

from spacy_medmtl.annotations.groups import GIVEN, GIVEN_SPANS_ONLY, TURNS, write_group
from spacy_medmtl.annotations.scoring import corpus_of
from spacy_medmtl.errors import MedmtlError
from spacy_medmtl.training.corpus import multitask_corpus

HEADS = [case.factory for case in CASES]
KEYS = {case.factory: case.key for case in CASES}


@pytest.fixture
def nlp(make_nlp):
    return make_nlp(*HEADS)


@pytest.fixture
def gold(nlp, tmp_path):
    """A .spacy file with the toy gold of all heads, entities and categories."""
    docs = [example.reference for example in make_examples(nlp, *(case.annotate for case in CASES))]
    for doc in docs:
        doc.ents = [Span(doc, 0, 1, label="ENT")]
        doc.cats = {"CAT": 1.0}
    path = tmp_path / "gold.spacy"
    DocBin(docs=docs, store_user_data=True).to_disk(path)
    return path


def read(nlp, gold_sents=False, **corpora):
    return list(multitask_corpus(corpora, gold_sents=gold_sents)(nlp))


def test_each_example_names_its_corpus(nlp, gold):
    """In the order of the entries; a path may stand in several."""
    first, second = {"path": str(gold)}, {"path": str(gold), "tasks": ["sru_nested_ner"], "limit": 2}
    examples = read(nlp, first=first, second=second)
    assert [corpus_of(example.reference) for example in examples] == ["first"] * 4 + ["second"] * 2
    assert [example.text for example in examples] == TEXTS + TEXTS[:2]
    assert all(example.predicted.user_data == {} for example in examples)


@pytest.mark.parametrize("task", HEADS)
def test_tasks_take_all_other_annotation_away(nlp, gold, task):
    """Also entities and categories, which none of our heads here learns; sentences stay."""
    for example in read(nlp, one={"path": str(gold), "tasks": [task]}):
        assert set(example.reference.spans) == {KEYS[task]}
        assert not example.reference.has_annotation("ENT_IOB")
        assert example.reference.cats == {}
        assert example.reference.has_annotation("SENT_START")


def test_values_stay_behind_augmenters_of_spacy(nlp, gold):
    """They make new Docs of what spaCy knows of annotation: span groups without their values."""
    one = {"path": str(gold)}
    plain, lower = read(nlp, one=one), list(multitask_corpus({"one": one}, augmenter=lower_case(1.0))(nlp))
    assert len(lower) == len(plain)
    assert [example.text for example in lower] == [text.lower() for text in TEXTS]
    for before, after in zip(plain, lower):
        assert after is not before
        for key in set(KEYS.values()):
            groups = [example.reference.spans[key] for example in (before, after)]
            assert groups[1].attrs == {name: value for name, value in groups[0].attrs.items() if name != "places"}
        assert set(after.predicted.spans) == set(before.predicted.spans)
    nlp.initialize(lambda: lower)


def test_without_tasks_all_annotation_stays(nlp, gold):
    for example in read(nlp, one={"path": str(gold)}):
        assert set(example.reference.spans) == set(KEYS.values())
        assert [ent.label_ for ent in example.reference.ents] == ["ENT"]
        assert example.reference.cats == {"CAT": 1.0}


def test_no_task_at_all_leaves_nothing(nlp, gold):
    (example, *_) = read(nlp, one={"path": str(gold), "tasks": []})
    assert set(example.reference.spans) == set()


@pytest.mark.parametrize(
    ("factory", "config", "keeps"),
    [("ner", {}, "ents"), ("textcat", {}, "cats"), ("textcat_multilabel", {}, "cats"), ("spancat", {}, "sc")],
)
def test_gold_of_stock_components(make_nlp, gold, factory, config, keeps):
    """A task may be spaCy's own component: it keeps its kind of gold, and the others' goes."""
    nlp = make_nlp("sru_nested_ner")
    nlp.add_pipe(factory, name="stock", config=config)
    for example in read(nlp, one={"path": str(gold), "tasks": ["stock"]}):
        assert "medmtl_ner" not in example.reference.spans
        assert example.reference.has_annotation("ENT_IOB") is (keeps == "ents")
        assert bool(example.reference.cats) is (keeps == "cats")
    for example in read(nlp, one={"path": str(gold), "tasks": ["sru_nested_ner"]}):
        assert not example.reference.has_annotation("ENT_IOB")
        assert example.reference.cats == {}


def test_intents_of_whole_docs_keep_categories(make_nlp, gold):
    nlp = make_nlp(("sentence_intent", "kind", {"units": "doc"}))
    assert all(example.reference.cats for example in read(nlp, one={"path": str(gold), "tasks": ["kind"]}))


def test_a_key_that_two_components_share_stays(make_nlp, gold):
    nlp = make_nlp("sru_nested_ner", ("sru_nested_ner", "second", {}))
    (example, *_) = read(nlp, one={"path": str(gold), "tasks": ["second"]})
    assert "medmtl_ner" in example.reference.spans


def test_disabled_components_count_as_components(nlp, gold):
    """While spaCy initialises, frozen and resumed components are disabled, and their corpora are read all the same."""
    with nlp.select_pipes(disable=["sru_nested_ner", "sentence_intent"]):
        examples = read(nlp, one={"path": str(gold), "tasks": ["sru_nested_ner"]})
        assert {key for example in examples for key in example.reference.spans} == {"medmtl_ner"}
        (example, *_) = read(nlp, one={"path": str(gold), "tasks": ["cpncf_assertion"]})
        assert set(example.reference.spans) == {"medmtl_findings"}


def test_gold_sents_go_to_the_docs_to_annotate(nlp, gold):
    (plain, *_) = read(nlp, one={"path": str(gold)})
    assert not plain.predicted.has_annotation("SENT_START")
    (example, *_) = read(nlp, gold_sents=True, one={"path": str(gold)})
    assert [(s.start, s.end) for s in example.predicted.sents] == [(s.start, s.end) for s in example.reference.sents]


def test_given_spans_go_to_the_docs_to_annotate_without_their_status(nlp, tmp_path):
    """So that evaluation asks for the status of just these."""
    (example,) = make_examples(nlp, CASE["cpncf_assertion"].annotate, texts=TEXTS[:1])
    example.reference.spans["medmtl_findings"].attrs[GIVEN_SPANS_ONLY] = True
    DocBin(docs=[example.reference]).to_disk(tmp_path / "given.spacy")
    (found,) = read(nlp, one={"path": str(tmp_path / "given.spacy")})
    assert set(found.predicted.spans) == {GIVEN}
    assert [(s.start, s.end, s.label_) for s in found.predicted.spans[GIVEN]] == [(7, 8, "SIGN"), (10, 11, "SIGN")]
    assert found.predicted.spans[GIVEN].attrs == {}


def test_given_spans_are_entities_for_a_component_that_only_looks_there(make_nlp, tmp_path):
    nlp = make_nlp(("cpncf_assertion", "cpncf_assertion", {"given": ["ents"]}))
    (example,) = make_examples(nlp, CASE["cpncf_assertion"].annotate, texts=TEXTS[:1])
    example.reference.spans["medmtl_findings"].attrs[GIVEN_SPANS_ONLY] = True
    DocBin(docs=[example.reference]).to_disk(tmp_path / "given.spacy")
    (found,) = read(nlp, one={"path": str(tmp_path / "given.spacy")})
    assert [(ent.start, ent.end, ent.label_) for ent in found.predicted.ents] == [(7, 8, "SIGN"), (10, 11, "SIGN")]


def test_a_folder_is_read_in_the_order_of_its_names(nlp, tmp_path):
    for name, text in (("b", TEXTS[1]), ("a", TEXTS[0]), ("sub/c", TEXTS[2])):
        path = tmp_path / "all" / f"{name}.spacy"
        path.parent.mkdir(parents=True, exist_ok=True)
        DocBin(docs=[with_sentences(nlp, text)]).to_disk(path)
    examples = read(nlp, one={"path": str(tmp_path / "all")})
    assert [example.text for example in examples] == TEXTS[:3]
    assert len(read(nlp, one={"path": str(tmp_path / "all"), "limit": 2})) == 2


def test_docs_of_words_without_known_spaces_keep_their_tokens(nlp, tmp_path):
    words = ["no", "fever", ".", "a", "cough-free", "week"]
    DocBin(docs=[Doc(nlp.vocab, words=words)]).to_disk(tmp_path / "words.spacy")
    (example,) = read(nlp, one={"path": str(tmp_path / "words.spacy")})
    assert [token.text for token in example.predicted] == words


def failing(nlp, tmp_path, **settings):
    with pytest.raises(MedmtlError) as caught:
        read(nlp, notes={"path": str(tmp_path / "gold.spacy"), **settings})
    return str(caught.value)


def test_errors_of_entries(nlp, gold, tmp_path):
    """Each names the corpus, what it got and what it wants; the entry itself is checked before anything is read."""
    errors = [
        failing(nlp, tmp_path, path=str(tmp_path / "absent.spacy")),
        failing(nlp, tmp_path, path=None),
        failing(nlp, tmp_path, steps=3),
        failing(nlp, tmp_path, limit="ten"),
        failing(nlp, tmp_path, limit=-1),
        failing(nlp, tmp_path, tasks="sru_nested_ner"),
        failing(nlp, tmp_path, tasks=["sru_nested_ner", "tagger"]),
    ]
    assert errors == [
        f"[MEDMTL-E301] Corpus 'notes': {tmp_path / 'absent.spacy'} does not exist; run the converter first.",
        "[MEDMTL-E301] Corpus 'notes': its entry has no path; expected path, tasks, limit, type_prefix.",
        "[MEDMTL-E301] Corpus 'notes': its entry has the setting(s) ['steps']; "
        "expected path, tasks, limit, type_prefix.",
        "[MEDMTL-E301] Corpus 'notes': its entry has the limit 'ten', not a number of Docs.",
        "[MEDMTL-E301] Corpus 'notes': its entry has the limit -1, not a number of Docs.",
        "[MEDMTL-E301] Corpus 'notes': its entry has the tasks 'sru_nested_ner', not a list of names.",
        f"[MEDMTL-E302] Corpus 'notes' names the task(s) ['tagger'], which are not components of this pipeline "
        f"{nlp.pipe_names}. Correct 'tasks' of its entry, or add the component.",
    ]


def test_errors_of_files(nlp, tmp_path):
    DocBin().to_disk(tmp_path / "empty.spacy")
    (tmp_path / "broken.spacy").write_bytes(b"not a DocBin")
    with pytest.raises(MedmtlError, match=r"MEDMTL-E301.*'a'.*empty\.spacy holds no documents"):
        read(nlp, a={"path": str(tmp_path / "empty.spacy")})
    with pytest.raises(MedmtlError, match=r"MEDMTL-E301.*'a'.*broken\.spacy is no spaCy DocBin \(ValueError\)"):
        read(nlp, a={"path": str(tmp_path / "broken.spacy")})
    (tmp_path / "folder").mkdir()
    with pytest.warns(UserWarning, match="W090"), pytest.raises(MedmtlError, match="E301.*holds no documents"):
        read(nlp, a={"path": str(tmp_path / "folder")})


def test_it_is_what_the_registry_gives():
    corpora = {"one": {"path": "nowhere.spacy"}}
    reader = spacy.registry.resolve({"r": {"@readers": "spacy-medmtl.MultitaskCorpus.v1", "corpora": corpora}})["r"]
    with pytest.raises(MedmtlError, match=r"E301.*'one': nowhere\.spacy does not exist"):
        list(reader(spacy.blank("en")))


def test_turns_are_known_before_anything_is_predicted(nlp, tmp_path):
    doc = with_sentences(nlp, TEXTS[1])
    write_group(doc, TURNS, [doc[0:3], doc[3:8]], speakers=["D", "P"])
    DocBin(docs=[doc]).to_disk(tmp_path / "turns.spacy")
    (example,) = read(nlp, x={"path": str(tmp_path / "turns.spacy"), "tasks": ["cpncf_assertion"]})
    turns = example.predicted.spans[TURNS]
    assert [(turn.start, turn.end) for turn in turns] == [(0, 3), (3, 8)]
    assert turns.attrs["speakers"] == ["D", "P"]
