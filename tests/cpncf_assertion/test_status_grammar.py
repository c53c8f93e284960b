"""The grammar of status: what it composes, what it refuses, and how it comes into training."""

import random
import subprocess
import sys
from pathlib import Path

import pytest
import spacy
from spacy.tokens import Doc, DocBin
from spacy.training import Corpus, Example
from spacy.util import registry
from traps import BLIND, TRAPS

from spacy_medmtl.annotations.groups import (
    ANNOTATED_LABELS,
    ANNOTATED_MODIFIERS,
    FINDINGS,
    GIVEN_SPANS_ONLY,
    write_group,
)
from spacy_medmtl.cpncf_assertion.grammar.augmenter import aligned_spans, fit_findings, status_augmenter
from spacy_medmtl.cpncf_assertion.grammar.composing import fill
from spacy_medmtl.cpncf_assertion.grammar.reading import read_grammar, shipped_grammar
from spacy_medmtl.errors import MedmtlError
from spacy_medmtl.training.corpus import multitask_corpus

LANGUAGES = ["en", "es"]
FOUND = [
    "sore gums",
    "tremor",
    "HTN",
    "hip pain",
    "polyps",
    "Crohn's disease",
    "wheeze",
    "rash of the palms",
    "PE",
    "warts",
]
NOTES = ["wheeze and warts .", "no polyps , hip pain .", "HTN , tremor , PE .", "sore gums . rash of the palms ."]
MARKS = {"positive", "negative", "unknown"}
MODIFIERS = ["historical", "uncertain", "hypothetical", "family"]
GRAMMARS = {lang: read_grammar(shipped_grammar(lang)) for lang in LANGUAGES}
TEMPLATES = [(lang, name) for lang, grammar in GRAMMARS.items() for name in grammar.phenomena]


def note(nlp, text, label="Problem", **attrs):
    """A Doc in which everything of ``FOUND`` is a positive finding."""
    doc = nlp.make_doc(text)
    spans = []
    for words in FOUND:
        at = text.find(words)
        if at >= 0:
            spans.append(doc.char_span(at, at + len(words), label=label))
    group = write_group(doc, FINDINGS, spans, assertion=["positive"] * len(spans))
    group.attrs.update(attrs)
    return doc


def composed(nlp, docs, share=1.0, seed=0, grammar=None):
    """The composed reference Docs for a corpus, read twice: the first time findings are still few."""
    augment = status_augmenter(share, grammar)
    random.seed(seed)
    found = []
    for doc in [*docs, *docs]:
        found += [example.reference for example in augment(nlp, Example(nlp.make_doc(doc.text), doc))][1:]
    return found


def texts(docs):
    return [doc.text for doc in docs]


@pytest.fixture(scope="module")
def nlp():
    return spacy.blank("en")


@pytest.fixture(scope="module")
def notes(nlp):
    return [note(nlp, text) for text in NOTES]


def write(path, text):
    path.write_text(text, encoding="utf8")
    return path


# --- what is composed


@pytest.mark.parametrize(("lang", "phenomenon"), TEMPLATES)
def test_every_template_puts_findings_where_it_says(lang, phenomenon):
    """What stands at a fact's place is the finding that was put there, and most often whole tokens."""
    grammar, tokenizer, draw = GRAMMARS[lang], spacy.blank(lang), random.Random(0)
    for line in grammar.phenomena[phenomenon]:
        n_aligned = 0
        for _ in range(8):
            put = []

            def take(put=put):
                put.append(draw.choice(FOUND))
                return put[-1], "Problem"

            made = fill(grammar, line.text, take, draw)
            doc = tokenizer.make_doc(made.text)
            assert made.facts, f"line {line.number} has no finding"
            assert [made.text[one.start : one.end].lower() for one in made.facts] == [words.lower() for words in put]
            assert not set("{}$\\~") & set(made.text), f"line {line.number} is not resolved: {made.text!r}"
            assert made.text == made.text.strip()
            assert " ," not in made.text
            for fact in made.facts:
                assert fact.status in MARKS
                assert set(fact.modifiers) <= set(MODIFIERS)
                assert not (fact.status == "negative" and fact.modifiers)
            n_aligned += None not in aligned_spans(doc, made)
        assert n_aligned >= 3, f"line {line.number} keeps findings off the borders of tokens"


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_list_is_used(lang):
    grammar = GRAMMARS[lang]
    lines = [
        line.text for sections in (grammar.phenomena, grammar.lists) for found in sections.values() for line in found
    ]
    unused = [
        name for name in grammar.lists if not name.startswith("unfit_") and not any(f"${name}" in one for one in lines)
    ]
    assert not unused


def test_the_status_is_that_of_the_template(nlp, notes, tmp_path):
    path = write(
        tmp_path / "g.txt",
        "# one\nno $some(-) but {+}, {+h} before, $doubt.\n@ some\n{}\n{} or $some\n@ doubt\nmaybe {?u}\n",
    )
    for doc in composed(nlp, notes, share=5.0, grammar=path):
        group = doc.spans[FINDINGS]
        for span, status, held in zip(group, group.attrs["assertion"], group.attrs["assertion_modifiers"], strict=True):
            expected = {"no": ("negative", []), "or": ("negative", []), "maybe": ("unknown", ["uncertain"])}.get(
                doc.text[: span.start_char].lower().split()[-1], ("positive", [])
            )
            if doc.text[span.end_char :].lower().split()[:1] == ["before,"]:
                expected = ("positive", ["historical"])
            assert (status, held) == expected, doc.text


def test_composed_docs_carry_findings_and_nothing_else(nlp, notes):
    for doc in composed(nlp, notes, share=10.0):
        assert list(doc.spans) == [FINDINGS]
        assert not doc.ents
        assert not doc.cats
        group = doc.spans[FINDINGS]
        assert len(group) == len(group.attrs["assertion"]) == len(group.attrs["assertion_modifiers"]) > 0
        assert {span.label_ for span in group} == {"Problem"}
        assert sorted(group.attrs[ANNOTATED_MODIFIERS]) == sorted(MODIFIERS)
        assert not any(span[0].is_space or span[-1].is_space or span.text != span.text.strip() for span in group)
        assert {span.text.lower().strip("+-\N{EN DASH}()") for span in group} <= {words.lower() for words in FOUND}
        assert doc.has_annotation("SENT_START")


def test_a_sign_that_the_tokenizer_leaves_at_a_word_comes_along(nlp, notes, tmp_path):
    """As whoever searches "-fever" for findings has to mark the whole token."""
    path = write(tmp_path / "g.txt", "# one\n-{-} and {+}\n")
    words = {word.lower() for word in FOUND}
    for doc in composed(nlp, notes, grammar=path, share=3.0):
        group = doc.spans[FINDINGS]
        for span, status in zip(group, group.attrs["assertion"], strict=True):
            assert span.text.lower() in (words if status == "positive" else {f"-{word}" for word in words})


def test_line_breaks_and_full_stops_end_sentences(nlp, notes, tmp_path):
    path = write(tmp_path / "g.txt", "# one\nno {-}. {+}.\\nno {-}.\n")
    for doc in composed(nlp, notes, grammar=path, share=3.0):
        for sent in doc.sents:
            assert sum(span.start >= sent.start and span.end <= sent.end for span in doc.spans[FINDINGS]) == 1


def test_a_finding_is_not_repeated_before_all_have_been_used(nlp, notes, tmp_path):
    path = write(tmp_path / "g.txt", "# one\n{+}, {+}, {+}, {+}, {+}, {+}, {+}, {+}\n")
    for doc in composed(nlp, notes, grammar=path):
        words = [span.text.lower() for span in doc.spans[FINDINGS]][:8]
        assert len(set(words)) == 8


def test_clauses_white_space_and_long_findings_are_left_out(nlp):
    text = (
        "my knee gave way . he felt queasy and \n pain in the left\nheel . Thirst . very long and winding road of pain"
    )
    doc = nlp.make_doc(text)
    spans = []
    for words in (
        "my knee gave way",
        "queasy",
        "\n pain in the left\nheel",
        "Thirst",
        "very long and winding road of pain",
    ):
        start = text.index(words)
        spans.append(doc.char_span(start, start + len(words), label="Problem"))
    write_group(doc, FINDINGS, spans, assertion=["positive"] * len(spans))
    assert [words for words, _ in fit_findings(doc, FINDINGS, GRAMMARS["en"])] == ["pain in the left heel", "thirst"]


# --- how many, and always the same


@pytest.mark.parametrize(("share", "expected"), [(0.0, 0), (0.5, 4), (1.0, 8), (3.0, 24)])
def test_share_says_how_many(nlp, notes, share, expected):
    assert len(composed(nlp, notes, share)) == expected


def test_the_seed_decides_and_nothing_else(nlp, notes):
    one, two, other = (texts(composed(nlp, notes, 2.0, seed)) for seed in (1, 1, 2))
    assert one == two != other


def test_the_order_of_sets_does_not_matter(tmp_path):
    """Two processes with other hashes of strings compose the same."""
    code = (
        "import sys; sys.path[:0] = sys.argv[1:]\n"
        "import spacy, test_status_grammar as t\n"
        "nlp = spacy.blank('en')\n"
        "print(t.texts(t.composed(nlp, [t.note(nlp, text) for text in t.NOTES], 4.0)))"
    )
    folder = str(Path(__file__).parent)
    outputs = [
        subprocess.run(
            [sys.executable, "-c", code, folder], env={"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    ]
    assert outputs[0] == outputs[1]
    assert len(outputs[0]) > 500


def bare(text):
    return "".join(character for character in text.lower() if character.isalnum())


def test_no_trap_is_composed(nlp):
    """Traps measure; with the words of their own findings the grammar would come nearest to them."""
    words = sorted({trap.finding for trap in (*TRAPS, *BLIND) if trap.finding.isalpha() or " " in trap.finding})
    doc = nlp.make_doc(" . ".join(words))
    at, spans = 0, []
    for one in words:
        spans.append(doc.char_span(at, at + len(one), label="Problem"))
        at += len(one) + 3
    spans = [span for span in spans if span is not None]
    write_group(doc, FINDINGS, spans, assertion=["positive"] * len(spans))
    found = {bare(text) for made in composed(nlp, [doc], share=400.0) for text in (made.text, *map(str, made.sents))}
    assert len(found) > 800
    assert not found & {bare(trap.text) for trap in (*TRAPS, *BLIND)}


# --- corpora


def test_what_a_corpus_declares_holds_for_what_is_composed_of_it(nlp):
    declared = {ANNOTATED_LABELS: ["Problem", "Sign"], GIVEN_SPANS_ONLY: True}
    docs = [note(nlp, text, **declared) for text in NOTES]
    for doc in composed(nlp, docs):
        assert {name: doc.spans[FINDINGS].attrs[name] for name in declared} == declared


def test_findings_of_corpora_are_kept_apart(nlp, tmp_path):
    other = ["hives .", "a cold , gout .", "mumps , lice .", "fits , falls , flu , colic ."]
    global_found = FOUND.copy()
    try:
        FOUND[:] = ["hives", "cold", "gout", "mumps", "lice", "fits", "falls", "flu", "colic"]
        DocBin(docs=[note(nlp, text, label="Sign") for text in other]).to_disk(tmp_path / "b.spacy")
    finally:
        FOUND[:] = global_found
    DocBin(docs=[note(nlp, text) for text in NOTES]).to_disk(tmp_path / "a.spacy")
    corpora = {name: {"path": str(tmp_path / f"{name}.spacy")} for name in ("a", "b")}
    read = multitask_corpus(corpora, augmenter=status_augmenter(5.0))
    labels = {}
    for example in [*read(nlp), *read(nlp)]:
        labels.setdefault(example.reference.user_data["medmtl_corpus"], set()).update(
            span.label_ for span in example.reference.spans[FINDINGS]
        )
    assert labels == {"a": {"Problem"}, "b": {"Sign"}}


def test_entries_of_other_tasks_get_nothing(make_nlp, tmp_path):
    pipeline = make_nlp("sentence_intent", "cpncf_assertion")
    docs = []
    for text in NOTES:
        doc = note(pipeline, text)
        write_group(doc, "medmtl_intents", [doc[:]])
        docs.append(doc)
    DocBin(docs=docs).to_disk(tmp_path / "a.spacy")
    corpora = {
        task: {"path": str(tmp_path / "a.spacy"), "tasks": [task]} for task in ("sentence_intent", "cpncf_assertion")
    }
    read = multitask_corpus(corpora, augmenter=status_augmenter(2.0))
    examples = [*read(pipeline), *read(pipeline)]
    names = [example.reference.user_data["medmtl_corpus"] for example in examples]
    assert (names.count("sentence_intent"), names.count("cpncf_assertion")) == (8, 8 + 16)


def test_it_trains_a_pipeline(make_nlp, tmp_path):
    """From a reader with the augmenter: modifiers that the corpus does not know are learnt of composed Docs."""
    pipeline = make_nlp("cpncf_assertion")
    DocBin(docs=[note(pipeline, text) for text in NOTES]).to_disk(tmp_path / "a.spacy")
    augmenter = {"@augmenters": "spacy-medmtl.StatusAugmenter.v1", "share": 10.0}
    settings = {"@readers": "spacy-medmtl.MultitaskCorpus.v1", "corpora": {"a": {"path": str(tmp_path / "a.spacy")}}}
    read = registry.resolve({"corpus": {**settings, "augmenter": augmenter}})["corpus"]
    examples = [*read(pipeline), *read(pipeline)]
    optimizer = pipeline.initialize(lambda: examples)
    losses = {}
    pipeline.update(examples, sgd=optimizer, losses=losses)
    assert pipeline.get_pipe("cpncf_assertion").modifiers == sorted(MODIFIERS)
    assert losses["cpncf_assertion"] > 0


def test_it_is_an_augmenter_of_spacys_own_reader(nlp, notes, tmp_path):
    DocBin(docs=notes).to_disk(tmp_path / "a.spacy")
    examples = list(Corpus(tmp_path / "a.spacy", augmenter=status_augmenter(3.0))(nlp))
    assert len(examples) > len(notes)


def test_a_grammar_of_ones_own_in_another_language(tmp_path):
    german = spacy.blank("de")
    docs = [note(german, text) for text in NOTES]
    path = write(tmp_path / "de.txt", "# Verneinung\nkein Anhalt für {-}.\n# Verdacht\nV. a. {?u}.\n")
    assert all(
        "Anhalt" in doc.text or "V. a." in doc.text
        for doc in composed(german, docs, grammar=path)
        if doc.text.istitle()
    )
    with pytest.raises(MedmtlError, match=r"E350.*'de'.*\['en', 'es'\]"):
        composed(german, docs)


# --- what is refused


def test_a_list_within_a_phenomenon_ends_at_a_blank_line(tmp_path):
    path = tmp_path / "grammar.txt"
    path.write_text("# one\n$sign {-}.\n\n@ sign\nno\nnot\n\nsome {+}.\n", encoding="utf-8")
    grammar = read_grammar(path)
    assert [line.text for line in grammar.phenomena["one"]] == ["$sign {-}.", "some {+}."]
    assert [line.text for line in grammar.lists["sign"]] == ["no", "not"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("no {-}.\n", r"stands under .* \(line 1\)"),
        ("@ no\nno\n", "holds no template"),
        ("# one\n$nought {-}\n", r"'\$nought'.*line 2"),
        ("# one\nno {}\n", r"without a mark \(line 2\)"),
        ("# one\nno $some\n@ some\n{}\n", r"without a mark \(line 2\)"),
        ("# one\nno {*}\n", r"the mark '\*'; expected one of \+ - \?"),
        ("# one\nno $some(no)\n@ some\n{}\n", "the mark 'no'"),
        ("# one\nno {-\n", "a brace without its other half"),
        ("# one\n$a {+}\n@ a\nvery $a\n", r"the list 'a'.*without end"),
    ],
)
def test_a_faulty_line_is_named(tmp_path, text, problem):
    with pytest.raises(MedmtlError, match=f"E351.*{problem}"):
        status_augmenter(1.0, write(tmp_path / "g.txt", text))


def test_files_that_cannot_be_read(tmp_path):
    (tmp_path / "latin.txt").write_bytes("# one\nd\xe9ni {-}".encode("latin-1"))
    for path in (tmp_path / "none.txt", tmp_path, tmp_path / "latin.txt"):
        with pytest.raises(MedmtlError, match="E351.*cannot be read"):
            status_augmenter(1.0, path)


def test_a_grammar_that_never_keeps_to_tokens(nlp, notes, tmp_path):
    path = write(tmp_path / "g.txt", "# one\nx{-}x\n")
    with pytest.raises(MedmtlError, match="E352"):
        composed(nlp, notes, grammar=path)


@pytest.mark.parametrize("share", [-1.0, float("nan")])
def test_no_negative_share(share):
    with pytest.raises(MedmtlError, match="E203.*share"):
        status_augmenter(share)


def test_docs_without_findings_pass_unchanged(nlp):
    example = Example(nlp.make_doc("hello"), Doc(nlp.vocab, words=["hello"]))
    assert list(status_augmenter(5.0)(nlp, example)) == [example]
