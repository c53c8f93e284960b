"""Coded messages: every template is used, gets exactly its fields, and never quotes a document."""

import ast
import re
import string
from pathlib import Path

import pytest
import spacy
from spacy.tokens import Span
from toy import CASES, TEXTS, make_examples

import spacy_medmtl
from spacy_medmtl.annotations.groups import write_group
from spacy_medmtl.annotations.pairs import SEPARATOR, pair_doc, texts_of
from spacy_medmtl.errors import TEMPLATES, MedmtlError, MedmtlWarning, message, warn
from spacy_medmtl.training.corpus import multitask_corpus

ROOT = Path(spacy_medmtl.__file__).parent
Use = tuple[str, str, set[str], list[str]]  # place, code, names of the values, their sources


def uses() -> list[Use]:
    """Every call of MedmtlError, warn and message in the package."""
    found = []
    for path in sorted(ROOT.rglob("*.py")):
        source = path.read_text(encoding="utf8")
        for node in ast.walk(ast.parse(source)):
            name = getattr(getattr(node, "func", None), "id", None)
            if isinstance(node, ast.Call) and name in ("MedmtlError", "warn", "message") and path.name != "errors.py":
                place = f"{path.relative_to(ROOT)}:{node.lineno}"
                assert isinstance(node.args[0], ast.Constant), f"{place}: the code must be written out"
                values = {keyword.arg or "**": ast.unparse(keyword.value) for keyword in node.keywords}
                found.append((place, node.args[0].value, set(values), list(values.values())))
    return found


def fields(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}


def test_every_template_is_used_and_every_code_has_one():
    assert {code for _, code, _, _ in uses()} == set(TEMPLATES)


@pytest.mark.parametrize(("place", "code", "names", "sources"), uses(), ids=lambda value: str(value)[:40])
def test_every_use_gives_exactly_the_fields_of_its_template(place, code, names, sources):
    assert names == fields(TEMPLATES[code]), place


def test_codes_in_docstrings_exist():
    """Docstrings promise codes ("Raises MedmtlError E101")."""
    for path in ROOT.rglob("*.py"):
        for promised in re.findall(
            r"(?:MedmtlError|warning) ((?:[EW]\d{3}(?:, | and )?)+)", path.read_text(encoding="utf8")
        ):
            assert set(re.findall(r"[EW]\d{3}", promised)) <= set(TEMPLATES), path


def test_the_table_of_codes_in_the_documentation_has_each_once():
    page = (ROOT.parent / "docs" / "architecture.md").read_text(encoding="utf8")
    listed: list[str] = []
    for cell in re.findall(r"^\| ([EW]\d{3}[^|]*) \|", page, re.MULTILINE):
        for first, last in re.findall(r"([EW]\d{3})(?:-([EW]\d{3}))?", cell):
            listed += [f"{first[0]}{number:03}" for number in range(int(first[1:]), int((last or first)[1:]) + 1)]
    assert sorted(listed) == sorted(TEMPLATES)


def test_no_bare_value_errors_for_users():
    """Messages without a code come only from code that users do not call: they are listed here, with their number."""
    bare: dict[str, int] = {}
    for path in sorted(ROOT.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf8"))):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
                name = getattr(node.exc.func, "id", "")
                if name in ("ValueError", "TypeError", "RuntimeError", "KeyError", "Exception"):
                    place = str(path.relative_to(ROOT))
                    bare[place] = bare.get(place, 0) + 1
    allowed = {
        "heads/rows.py",
        "sru_nested_ner/recurrent.py",
        "sru_nested_ner/unit_weights.py",
        "sru_nested_ner/transitions.py",
    }
    assert set(bare) <= allowed | {path for path in bare if path.startswith("corpora")}


def test_an_error_carries_its_code_and_a_warning_its_place():
    error = MedmtlError("E102", received=3)
    assert isinstance(error, ValueError)
    assert error.code == "E102"
    assert (
        str(error)
        == message("E102", received=3)
        == ("[MEDMTL-E102] Expected a Doc of two segments made by 'pair_doc', received 3 segment(s).")
    )

    def function_that_warns():
        warn("W002", count=1, window=64, doc=0)

    with pytest.warns(MedmtlWarning, match="MEDMTL-W002") as caught:
        function_that_warns()
    assert caught[0].filename == __file__


def test_values_of_messages_are_not_taken_from_texts():
    """No raise site passes on the text of a Doc, span or token."""
    suspicious = re.compile(r"\.text\b|\.text_with_ws|\.orth_|\.lower_|\bdoc\b(?!\.spans)|\bdocs\b|\bspan\b|\btoken\b")
    for place, code, _, sources in uses():
        for source in sources:
            assert not suspicious.search(source), f"{place} ({code}): {source}"


SECRET = "sekret"


def raised(function, *args, **kwargs) -> str:
    with pytest.raises(MedmtlError) as caught:
        function(*args, **kwargs)
    return str(caught.value)


def test_messages_about_pairs_and_files_hold_no_text(tmp_path):
    nlp = spacy.blank("en")
    (tmp_path / "bad.spacy").write_text(f"{SECRET} text", encoding="utf8")
    reader = multitask_corpus({"one": {"path": str(tmp_path / "bad.spacy")}})
    messages = [
        raised(pair_doc, nlp, SECRET + SEPARATOR, SECRET),
        raised(texts_of, nlp(SECRET)),
        raised(write_group, nlp(SECRET), "key", [], scores=[1.0]),
        raised(list, reader(nlp)),
    ]
    assert [text[:13] for text in messages] == ["[MEDMTL-E101]", "[MEDMTL-E102]", "[MEDMTL-E104]", "[MEDMTL-E301]"]
    assert not any(SECRET in text for text in messages)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.factory)
def test_messages_of_heads_hold_no_text(case, make_nlp):
    """Unknown labels, weights that are no numbers, misfit values and lost spans, all on Docs with a secret word."""
    nlp = make_nlp(case.factory)
    optimizer = nlp.initialize(lambda: make_examples(nlp, case.annotate))
    secret_texts = [f"{text} {SECRET} ." for text in TEXTS]
    pipe = nlp.get_pipe(case.factory)
    messages = []

    def annotate_strangely(doc):
        case.annotate(doc)
        group = doc.spans[case.key]
        if "labels" in group.attrs:
            group.attrs["labels"] = [["STRANGE"]] * len(group.attrs["labels"])
        else:
            values = {name: list(value) for name, value in group.attrs.items()}
            write_group(doc, case.key, [Span(doc, s.start, s.end, label="STRANGE") for s in group], **values)

    def annotate_misfit(doc):
        case.annotate(doc)
        for name in doc.spans[case.key].attrs:
            doc.spans[case.key].attrs[name] = [["maybe"], ["perhaps"], ["never"], ["often"], ["soon"]]

    messages.append(raised(nlp.update, make_examples(nlp, annotate_strangely, texts=secret_texts), sgd=optimizer))
    if case.checks_values:
        messages.append(raised(nlp.update, make_examples(nlp, annotate_misfit, texts=secret_texts), sgd=optimizer))
    for parameter in pipe.model.shims[0].module.parameters():
        parameter.data.fill_(float("nan"))
    messages.append(raised(nlp, secret_texts[0]))
    messages.append(raised(nlp.update, make_examples(nlp, case.annotate, texts=secret_texts), sgd=optimizer))
    assert len(messages) >= 3
    assert not any(SECRET in text or "knee" in text for text in messages)
