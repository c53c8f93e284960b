"""Base configs of the lab on the tiny encoder, with invented data."""

from itertools import combinations
from pathlib import Path

import pytest
import spacy
from spacy.tokens import Doc, DocBin, Span, SpanGroup
from spacy.util import load_config
from thinc.api import Config
from toy import CASE, CASES, TEXTS, make_examples, with_sentences

from spacy_medmtl.annotations.groups import ENTITIES, GIVEN_SPANS_ONLY, write_group
from spacy_medmtl.annotations.pairs import pair_doc, segment_bounds
from spacy_medmtl.annotations.relations import JudgedPair, write_relations

CONFIGS = Path(__file__).parents[2] / "configs" / "lab"
CORPORA = {"sentence_intent": "piboso", "pair_relation": "rqe", "sru_nested_ner": "bc5cdr", "cpncf_assertion": "negex"}


@pytest.fixture
def base_path(tiny_encoder: Path, tmp_path: Path) -> Path:
    """The committed English config, with a small window, on toy corpora: each is annotated for its own task only."""
    for part in ("train", "dev", "test"):
        (tmp_path / "data" / part).mkdir(parents=True)
        for case in CASES:
            docs = [example.reference for example in make_examples(spacy.blank("en"), case.annotate)]
            DocBin(docs=docs).to_disk(tmp_path / "data" / part / f"{CORPORA[case.factory]}.spacy")
    config = load_config(CONFIGS / "public.cfg", interpolate=False)
    config["paths"].update(data=str(tmp_path / "data"), encoder=str(tiny_encoder))
    config["components"]["encoder"]["model"].update(window=64, stride=48, layers=None)
    config["components"]["pair_relation"]["candidates"]["@misc"] = "spacy-medmtl.adjacent_pairs.v1"
    config["components"]["cpncf_assertion"]["mode"] = "find"
    config["initialize"]["components"]["encoder"]["loader"]["@misc"] = "spacy-medmtl.local_encoder.v1"
    config["training"]["batcher"]["size"] = 40
    config.to_disk(tmp_path / "base.cfg")
    return tmp_path / "base.cfg"


@pytest.fixture
def base(base_path: Path) -> Config:
    return load_config(base_path, interpolate=False)


FACTORIES = {"piboso": "sentence_intent", "bc5cdr": "sru_nested_ner", "genia": "sru_nested_ner"}
FACTORIES["negex"] = "cpncf_assertion"
TEXT_PAIRS = ("biosses", "mqp", "rqe")
CLINICAL = ("piboso", *TEXT_PAIRS, "bc5cdr", "genia", "negex", "ddi2013")


def clinical_doc(task: str, text: str) -> Doc:
    """A text with the gold of one task of ``clinical8.cfg``, in its span group."""
    nlp = spacy.blank("en")
    if task in TEXT_PAIRS:
        doc = pair_doc(nlp, "a fever .", text)
        is_long = len(text) > len(TEXTS[1])
        pair = JudgedPair(*segment_bounds(doc), ("same",) if is_long else (), float(len(text)))
        write_relations(doc, [pair], key=task)
        return doc
    doc = with_sentences(nlp, text)
    if task == "ddi2013":
        drugs = [token.i for token in doc if token.text in ("left", "knee", "pain", "no", "fever", "cough")]
        write_group(doc, ENTITIES, [Span(doc, i, i + 1, label="drug") for i in drugs])
        pairs = [(i, j) for i, j in combinations(drugs, 2) if doc[i].sent == doc[j].sent]
        labels = {i: ("effect",) if i % 2 else () for i in drugs}
        judged = [JudgedPair((i, i + 1), (j, j + 1), labels[i], 1.0, ("drug", "drug")) for i, j in pairs]
        write_relations(doc, judged, key=task)
        return doc
    case = CASE[FACTORIES[task]]
    case.annotate(doc)
    given = doc.spans.pop(case.key)
    target = task if case.key == ENTITIES else case.key
    doc.spans[target] = SpanGroup(doc, name=target, attrs=dict(given.attrs), spans=list(given))
    if task == "negex":
        doc.spans[target].attrs[GIVEN_SPANS_ONLY] = True
    return doc


@pytest.fixture
def clinical_path(tiny_encoder: Path, tmp_path: Path) -> Path:
    """The committed config of eight tasks, on toy corpora."""
    for part in ("train", "dev", "test"):
        (tmp_path / "clinical" / part).mkdir(parents=True)
        for task in CLINICAL:
            docs = [clinical_doc(task, text) for text in TEXTS]
            DocBin(docs=docs).to_disk(tmp_path / "clinical" / part / f"{task}.spacy")
    config = load_config(CONFIGS / "clinical8.cfg", interpolate=False)
    config["paths"].update(data=str(tmp_path / "clinical"), encoder=str(tiny_encoder))
    config["components"]["encoder"]["model"].update(window=64, stride=48, layers=None)
    config["initialize"]["components"]["encoder"]["loader"]["@misc"] = "spacy-medmtl.local_encoder.v1"
    config["training"]["batcher"]["size"] = 40
    config.to_disk(tmp_path / "clinical.cfg")
    return tmp_path / "clinical.cfg"


@pytest.fixture
def clinical_base(clinical_path: Path) -> Config:
    return load_config(clinical_path, interpolate=False)
