"""Writes encoders.tar.xz: encoders as version 0.1.0 saves them, one for each sharing rule, and the rows that it reads.

Run with version 0.1.0 installed (git commit 00a115c), and kept to show what is in the archive:

    python write_archive.py encoders.tar.xz
"""

import string
import sys
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy
import spacy
import srsly
import torch
from spacy_medmtl.encoder.readings import Reading, ViewRequest, units_with_context
from transformers import BertConfig, BertModel, BertTokenizerFast

ROUTES = ["sentence_intent", "pair_relation", "sru_nested_ner", "cpncf_assertion"]
RULES = {
    "shared": {"@misc": "spacy-medmtl.shared_rule.v1"},
    "progressive": {"@misc": "spacy-medmtl.progressive_rule.v1"},
    "progressive_constant": {"@misc": "spacy-medmtl.progressive_rule.v1", "trainable": False},
    "progressive_rank": {"@misc": "spacy-medmtl.progressive_rule.v1", "rank": 2},
    "progressive_one_w": {"@misc": "spacy-medmtl.progressive_rule.v1", "share_W_over_layers": True},
    "progressive_parallel": {"@misc": "spacy-medmtl.progressive_rule.v1", "keep_base_ffn": "parallel"},
    "progressive_serial": {"@misc": "spacy-medmtl.progressive_rule.v1", "keep_base_ffn": "serial"},
    "mmoe": {"@misc": "spacy-medmtl.mmoe_rule.v1", "experts": 3},
    "mmoe_rank": {"@misc": "spacy-medmtl.mmoe_rule.v1", "experts": 3, "rank": 2},
    "skills": {"@misc": "spacy-medmtl.skills_rule.v1"},
    "separate": {"@misc": "spacy-medmtl.separate_rule.v1"},
    "separate_rank": {"@misc": "spacy-medmtl.separate_rule.v1", "rank": 2},
    "n_ffn": {"@misc": "spacy-medmtl.n_ffn_rule.v1", "n_ffn": 3},
}
TOP_LAYER_ONLY = ("skills", "progressive_rank")
WORDS = "no fever . the left knee has pain , and a cough with chest pain at night . mother denies any xyz".split()
BOUNDS = [(0, 3), (3, 17), (17, 21)]


def write_encoder(folder: Path) -> None:
    """An 8-wide BERT of two layers."""
    pieces = ["[PAD]", "[unused1]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *sorted(set(WORDS) - {"xyz"})]
    pieces += ["x", *(f"##{letter}" for letter in string.ascii_lowercase)]
    (folder / "vocab.txt").write_text("\n".join(pieces), encoding="utf8")
    tokenizer = BertTokenizerFast(vocab_file=str(folder / "vocab.txt"))
    sizes = {"hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 8}
    BertModel(BertConfig(vocab_size=len(pieces), max_position_embeddings=32, **sizes)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def draw(module: torch.nn.Module) -> None:
    """Weights far from where they start, with few digits, so that the archive is small."""
    generator = torch.Generator().manual_seed(1)
    for parameter in module.parameters():
        spread = 0.4 if parameter.ndim > 1 else 0.2
        drawn = torch.randn(parameter.shape, generator=generator) * spread
        parameter.data = ((drawn + (parameter.data if parameter.ndim == 1 else 0.0)) * 8).round() / 8


def main(output: str) -> None:
    """Write the archive."""
    nlp = spacy.blank("en")
    doc = spacy.tokens.Doc(nlp.vocab, words=WORDS)
    reading = Reading(doc, units_with_context(BOUNDS, 1), marked=True)
    pairs = Reading(doc, pairs=[(BOUNDS[0], BOUNDS[2]), (BOUNDS[2], BOUNDS[0])])
    read = {"tokens": doc, "sentence": reading, "pair": pairs}
    with TemporaryDirectory() as name, tarfile.open(output, "w:xz") as archive:
        write_encoder(Path(name))
        for rule, sharing in RULES.items():
            model = {"@architectures": "spacy-medmtl.ProgressiveTransformer.v1", "routes": ROUTES, "sharing": sharing}
            model.update(window=24, stride=16, layers=[1] if rule in TOP_LAYER_ONLY else None)
            pipe = nlp.create_pipe("medmtl_progressive_tok2vec", config={"model": model})
            loader = spacy.registry.get("misc", "spacy-medmtl.local_encoder.v1")(name)
            pipe.initialize(lambda: [], loader=loader)
            draw(pipe.model.shims[0].module)
            folder = Path(name) / rule
            pipe.to_disk(folder)
            srsly.write_json(folder / "model.json", model)
            for view, item in read.items():
                requests = [ViewRequest([item], route, view) for route in ROUTES]
                rows = numpy.stack([pipe.model.predict(request)[0] for request in requests]).astype("float32")
                numpy.save(folder / f"{view}.npy", rows)  # [routes, rows, width]
            archive.add(folder, rule)


if __name__ == "__main__":
    main(sys.argv[1])
