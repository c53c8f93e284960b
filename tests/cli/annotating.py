"""What the tests of ``medmtl annotate`` share: a component that finds, and how what was written is read."""

import json

from spacy.language import Language

from spacy_medmtl.annotations.groups import FINDINGS, write_group

SECRET = "Sekretova"


def unwrapped(output: str) -> str:
    """A message as if the console were wide: long paths make it wrap."""
    return " ".join(output.split())


def json_rows(path):
    return [json.loads(line) for line in path.read_text(encoding="utf8").splitlines()]


def failures(output):
    return {row["doc_id"]: row["code"] for row in json_rows(output.with_name(f"{output.name}.failures.jsonl"))}


@Language.component("test_findings")
def find_and_fail(doc):
    """Each "cough" is a finding; a document with the word "boom" is more than the component can take."""
    if any(token.text == "boom" for token in doc):
        raise RuntimeError(f"cannot take {doc.text}")
    spans = [doc[token.i : token.i + 1] for token in doc if token.text == "cough"]
    write_group(doc, FINDINGS, spans, assertion=["positive"] * len(spans), scores=[0.91234567] * len(spans))
    return doc
