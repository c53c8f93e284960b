"""Makes ``VERSION.zip`` beside this file: a tiny pipeline with all heads, saved by the version that is installed.

    python tests/saved/make_archive.py

It holds what that version wrote to disk, and ``expected.json``: what it predicted. An archive is made once, by the
version that it is named after, and never again: later versions have to load it and predict the same.
"""

import io
import json
import string
import tempfile
import zipfile
from pathlib import Path

import spacy
import torch
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example
from thinc.api import fix_random_seed
from transformers import BertConfig, BertModel

import spacy_medmtl
from spacy_medmtl.annotations.groups import write_group
from spacy_medmtl.annotations.relations import JudgedPair, write_relations
from spacy_medmtl.encoder.tokenizer_files import wordpiece_tokenizer, write_tokenizer

TEXTS = ["hello mother . no fever .", "left knee pain and a cough . no chest pain ."]
HEADS = ["sentence_intent", "pair_relation", "sru_nested_ner", "cpncf_assertion"]
WORDS = "hello mother no fever left knee pain and a cough chest".split()


def make_encoder(folder: Path) -> None:
    """One layer of width 8 over a few words."""
    pieces = ["[PAD]", "[unused1]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *string.ascii_lowercase, ".", *WORDS]
    pieces = list(dict.fromkeys(pieces))
    write_tokenizer(wordpiece_tokenizer(pieces), folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(set(pieces)), hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8,
        max_position_embeddings=32,
    )  # fmt: skip
    BertModel(config).save_pretrained(folder, safe_serialization=True)


def reference_of(nlp: Language, text: str) -> Doc:
    """A Doc with gold for all heads."""
    doc = nlp.make_doc(text)
    for token in doc:
        token.is_sent_start = token.i == 0 or doc[token.i - 1].text == "."
    sentences = list(doc.sents)
    intents = [Span(doc, s.start, s.end, "DENIAL" if s[0].text == "no" else "OTHER") for s in sentences]
    write_group(doc, "medmtl_intents", intents)
    bounds = [(s.start, s.end) for s in sentences]
    write_relations(doc, [JudgedPair(*pair, ("CONTRAST",), 1.0) for pair in zip(bounds, bounds[1:])])
    signs = [Span(doc, t.i, t.i + 1, "SIGN") for t in doc if t.text in ("fever", "pain", "cough")]
    parts = [Span(doc, t.i, t.i + 1, "BODY") for t in doc if t.text in ("knee", "chest")]
    write_group(doc, "medmtl_ner", [*signs, *parts])
    status = ["negative" if span.sent[0].text == "no" else "positive" for span in signs]
    held = [["historical"] if value == "positive" else [] for value in status]
    write_group(doc, "medmtl_findings", signs, assertion=status, assertion_modifiers=held)
    return doc


def make_pipeline(encoder: Path) -> Language:
    """Trained for some steps, calibrated by hand, with settings beside the defaults."""
    nlp = spacy.blank("xx")
    nlp.add_pipe("sentencizer")
    model = {
        "@architectures": "spacy-medmtl.ProgressiveTransformer.v1",
        "routes": HEADS,
        "sharing": {"@misc": "spacy-medmtl.progressive_rule.v1"},
        "window": 32,
        "stride": 24,
    }
    nlp.add_pipe("medmtl_progressive_tok2vec", name="encoder", config={"model": model})
    nlp.add_pipe("sentence_intent", config={"multi_label": True, "threshold": 0.4})
    nlp.add_pipe("pair_relation", config={"threshold": 0.3})
    nlp.add_pipe("sru_nested_ner", config={"threshold": 0.4})
    nlp.add_pipe("cpncf_assertion", config={"context": 1, "given": ["marked", "ents"]})
    loader = {"@misc": "spacy-medmtl.local_encoder.v1", "path": str(encoder)}
    nlp.config["initialize"]["components"]["encoder"] = {"loader": loader}
    fix_random_seed(0)
    references = [reference_of(nlp, text) for text in TEXTS]
    examples = [Example(nlp.make_doc(reference.text), reference) for reference in references]
    optimizer = nlp.initialize(lambda: examples)
    optimizer.learn_rate = 0.01
    for _ in range(80):
        nlp.update(examples, sgd=optimizer)
    return nlp


def predictions(nlp: Language) -> list[dict]:
    """Of each text: spans and values of each group."""
    found = []
    for text in TEXTS:
        doc = nlp(text)
        groups = {
            key: {
                "spans": [(span.start, span.end, span.label_) for span in group],
                **{
                    name: group.attrs[name]
                    for name in ("scores", "labels", "assertion", "assertion_modifiers", "assertion_scores")
                    if name in group.attrs
                },
            }
            for key, group in sorted(doc.spans.items())
        }
        found.append(groups)
    return found


def main() -> None:
    with tempfile.TemporaryDirectory() as place:
        encoder, saved = Path(place) / "encoder", Path(place) / "saved"
        encoder.mkdir()
        make_encoder(encoder)
        nlp = make_pipeline(encoder)
        del nlp.config["initialize"]["components"]["encoder"]
        nlp.get_pipe("sentence_intent").cfg["temperatures"] = {"intents": 1.5}
        nlp.get_pipe("cpncf_assertion").cfg["temperatures"] = {"status": 2.0}
        nlp.to_disk(saved)
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(saved.rglob("*")):
                if path.is_file():
                    archive.write(path, path.relative_to(saved))
            archive.writestr("expected.json", json.dumps(predictions(nlp)))
        Path(__file__).with_name(f"{spacy_medmtl.__version__}.zip").write_bytes(buffer.getvalue())


if __name__ == "__main__":
    main()
