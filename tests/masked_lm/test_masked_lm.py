"""The objective against Hugging Face's own masked-LM model, and the component in training beside a head."""

import numpy
import pytest
import spacy
import torch
from spacy.tokens import DocBin
from spacy.training import Example
from thinc.api import Adam, Config, fix_random_seed
from toy import CASE, TEXTS, make_example, weights

from spacy_medmtl.annotations.scoring import CORPUS
from spacy_medmtl.encoder.export import plain_model
from spacy_medmtl.encoder.shims import torch_shim
from spacy_medmtl.encoder.views.viewer import lay_out
from spacy_medmtl.errors import MedmtlError
from spacy_medmtl.masked_lm import loss as masked_lm_losses
from spacy_medmtl.masked_lm.loss import head_spec, masked_lm_loss
from spacy_medmtl.masked_lm.masking import mask_words
from spacy_medmtl.masked_lm.model import masked_lm_model
from spacy_medmtl.masked_lm.output_layer import MaskedLmHead
from spacy_medmtl.training.balancing import balance_tasks

annotate_intents = CASE["sentence_intent"].annotate

LONG = " ".join(TEXTS * 3)
ROUTE = {"@architectures": "spacy-medmtl.RouteListener.v1", "route": "cpncf_assertion", "view": "tokens"}


def started(make_nlp, *heads, corpora=(), share=0.15, encoder=None):
    fix_random_seed(0)
    config = {"model": {"tok2vec": ROUTE, "share": share}, "corpora": list(corpora)}
    nlp = make_nlp(*heads, ("medmtl_masked_lm", "masked_lm", config), encoder=encoder)
    nlp.initialize(lambda: [make_example(nlp, text, annotate_intents) for text in TEXTS])
    return nlp


def plain(nlp, *texts, corpus=None):
    examples = [Example(nlp.make_doc(text), nlp.make_doc(text)) for text in texts or TEXTS]
    for example in examples:
        if corpus:
            example.reference.user_data[CORPUS] = corpus
    return examples


def test_loss_and_gradient_are_those_of_hugging_face(make_nlp, encoder_settings):
    """Texts of several windows, each masked piece counted once; the reference reads window by window."""
    from transformers import BertConfig, BertForMaskedLM

    nlp = started(make_nlp, encoder=encoder_settings(["cpncf_assertion"], "shared_rule"))
    module = torch_shim(nlp.get_pipe("encoder").model).module
    for part in module.modules():
        for rate in ("p", "dropout"):  # the latter of attention
            if isinstance(getattr(part, rate, None), float):
                setattr(part, rate, 0.0)
    head = MaskedLmHead(**head_spec(module))
    docs = [nlp.make_doc(text) for text in (TEXTS[0], LONG)]
    settings = {"route": "cpncf_assertion", "share": 0.3, "budget": 4096}
    loss = masked_lm_loss(module, head, docs, numpy.random.default_rng(5), trains=True, **settings)
    loss.backward()

    config = BertConfig(**torch_shim(nlp.get_pipe("encoder").model).spec["config"])
    reference = BertForMaskedLM(config).eval()
    plain = plain_model(module.encoder, config.to_dict(), "cpncf_assertion").state_dict()
    assert reference.bert.load_state_dict(plain, strict=False).missing_keys == []  # it has a pooler more
    predictions = reference.cls.predictions
    predictions.transform.dense.load_state_dict(head.transform.state_dict())
    predictions.transform.LayerNorm.load_state_dict(head.LayerNorm.state_dict())
    predictions.decoder.bias.data = head.bias.data

    pieces, labels, generator = [], [], numpy.random.default_rng(5)
    n_vocabulary = config.vocab_size
    for doc in docs:
        own = module.settings.wordpieces.of_doc(doc)
        read, chosen = mask_words(
            own, generator, share=0.3, mask=module.settings.wordpieces.mask, n_vocabulary=n_vocabulary
        )
        pieces.append(read)
        labels.append(numpy.where(chosen, own.ids, -100))
    layout = lay_out(module.settings, "tokens", docs, pieces)
    assert len(layout.ids) > 3
    targets = numpy.full(layout.n_rows, -100)
    targets[numpy.concatenate(layout.gather)] = numpy.concatenate(labels)
    first, total, n = 0, 0.0, 0
    for ids in layout.ids:
        own = torch.from_numpy(targets[first : first + len(ids)])[None]
        first += len(ids)
        logits = reference(input_ids=torch.from_numpy(ids)[None]).logits
        total = total + torch.nn.functional.cross_entropy(logits[0], own[0], ignore_index=-100, reduction="sum")
        n += int((own >= 0).sum())
    expected = total / n
    expected.backward()
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)
    ours = module.encoder.embeddings.words.weight.grad
    tied = reference.bert.embeddings.word_embeddings.weight.grad
    assert tied.abs().max() > 1e-3
    assert torch.allclose(ours, tied, atol=1e-5)
    assert torch.allclose(head.transform.weight.grad, predictions.transform.dense.weight.grad, atol=1e-5)


def test_the_encoder_learns_to_guess(make_nlp):
    """And a head that has no gold stands still meanwhile."""
    nlp = started(make_nlp, "sentence_intent", share=0.3)
    before = weights(nlp)
    optimizer = Adam(2e-3)
    losses = [nlp.update(plain(nlp), sgd=optimizer)["masked_lm"] for _ in range(80)]
    assert sum(losses[-10:]) < 0.6 * sum(losses[:10])
    after = weights(nlp)
    assert after["sentence_intent"] == before["sentence_intent"]
    assert after["encoder"] != before["encoder"]
    assert after["masked_lm"] != before["masked_lm"]


def test_it_learns_from_its_own_corpora_only(make_nlp):
    nlp = started(make_nlp, corpora=["notes"])
    assert nlp.update(plain(nlp, corpus="gold"), sgd=Adam(1e-3))["masked_lm"] == 0.0
    assert nlp.update(plain(nlp), sgd=Adam(1e-3))["masked_lm"] == 0.0
    assert nlp.update(plain(nlp, corpus="notes"), sgd=Adam(1e-3))["masked_lm"] > 0.0


def test_the_seed_gives_the_bytes(make_nlp):
    def run(seed):
        nlp = started(make_nlp)
        fix_random_seed(seed)
        optimizer = Adam(1e-3)
        for _ in range(3):
            nlp.update(plain(nlp), sgd=optimizer)
        return weights(nlp)

    assert run(1) == run(1)
    assert run(1) != run(2)


def test_a_frozen_encoder_stands_still_and_the_output_layer_learns(make_nlp):
    nlp = started(make_nlp)
    before = weights(nlp)
    nlp.update(plain(nlp), sgd=Adam(1e-2), exclude=["encoder"])
    after = weights(nlp)
    assert after["encoder"] == before["encoder"]
    assert after["masked_lm"] != before["masked_lm"]
    module = torch_shim(nlp.get_pipe("encoder").model).module
    assert all(parameter.grad is None for parameter in module.parameters())
    assert not module.training


def test_texts_of_nothing(make_nlp):
    nlp = started(make_nlp)
    before = weights(nlp)
    assert nlp.update(plain(nlp, "", "   "), sgd=Adam(1e-2))["masked_lm"] == 0.0
    assert weights(nlp) == before


def test_weights_and_surgery_reach_it(make_nlp):
    """A factor on its loss, and its gradient kept apart from that of a head."""
    nlp = started(make_nlp, "sentence_intent")
    balance_tasks({"masked_lm": 0.5}, pcgrad=True)(nlp, {})
    examples = [make_example(nlp, text, annotate_intents) for text in TEXTS]
    nlp.update(examples, sgd=False)
    encoder = nlp.get_pipe("encoder")
    assert len(encoder.surgery.kept) == 2
    assert nlp.get_pipe("masked_lm").weigh(1.0) == 0.5


def test_it_annotates_nothing_and_can_be_left_out(make_nlp, tmp_path):
    nlp = started(make_nlp, "sentence_intent")
    nlp.update(plain(nlp), sgd=Adam(1e-3))
    nlp.to_disk(tmp_path / "with")
    loaded = spacy.load(tmp_path / "with")
    assert weights(loaded) == weights(nlp)
    nlp.remove_pipe("masked_lm")
    nlp.to_disk(tmp_path / "without")
    without = spacy.load(tmp_path / "without")
    for text in TEXTS:
        one, other = loaded(text), without(text)
        assert set(one.spans) == set(other.spans) == {"medmtl_intents"}
        assert one.spans["medmtl_intents"].attrs == other.spans["medmtl_intents"].attrs


def test_in_spacys_training_loop_as_one_of_the_corpora(make_nlp, tmp_path):
    from spacy.training.initialize import init_nlp
    from spacy.training.loop import train

    nlp = started(make_nlp, "sentence_intent", corpora=["notes"])
    docs = [make_example(nlp, text, annotate_intents).reference for text in TEXTS]
    DocBin(docs=docs).to_disk(tmp_path / "gold.spacy")
    DocBin(docs=[nlp.make_doc(text) for text in TEXTS]).to_disk(tmp_path / "notes.spacy")
    config = Config(nlp.config).copy()
    entries = {
        "gold": {"path": str(tmp_path / "gold.spacy"), "tasks": ["sentence_intent"]},
        "notes": {"path": str(tmp_path / "notes.spacy"), "tasks": ["masked_lm"]},
    }
    reader = "spacy-medmtl.MultitaskCorpus.v1"
    config["corpora"] = {
        "train": {"@readers": reader, "corpora": entries},
        "dev": {"@readers": reader, "corpora": {"gold": entries["gold"]}},
    }
    schedule = {"@misc": "spacy-medmtl.round_robin.v1"}
    config["training"]["batcher"] = {"@batchers": "spacy-medmtl.task_batcher.v1", "size": 200, "schedule": schedule}
    config["training"]["logger"] = {"@loggers": "spacy-medmtl.ConsoleLogger.v1"}
    config["training"].update(max_steps=4, eval_frequency=4)
    (tmp_path / "out").mkdir()
    _, path = train(init_nlp(config), tmp_path / "out")
    performance = spacy.load(path).meta["performance"]
    assert performance["masked_lm_loss"] > 0
    assert performance["sentence_intent_loss"] > 0


def test_coded_errors(make_nlp, monkeypatch):
    tok2vec = spacy.blank("en").add_pipe("tok2vec").model
    with pytest.raises(MedmtlError, match="MEDMTL-E333"):
        masked_lm_model(tok2vec)
    listener = spacy.registry.get("architectures", ROUTE["@architectures"])("sentence_intent")
    of_units = spacy.registry.get("architectures", ROUTE["@architectures"])("sentence_intent", view="sentence")
    with pytest.raises(MedmtlError, match="MEDMTL-E333.*'sentence'"):
        masked_lm_model(of_units)
    for share in (0.0, 1.0):
        with pytest.raises(MedmtlError, match="MEDMTL-E333"):
            masked_lm_model(listener, share=share)
    with pytest.raises(MedmtlError, match="MEDMTL-E003"):
        spacy.blank("en").add_pipe("medmtl_masked_lm", config={"model": {"tok2vec": ROUTE}}).model.initialize()
    with pytest.raises(MedmtlError, match="MEDMTL-E334.*Set 'route'"):
        spacy.blank("en").add_pipe("medmtl_masked_lm")
    nlp = started(make_nlp)
    monkeypatch.setattr(torch_shim(nlp.get_pipe("encoder").model).module.settings.wordpieces, "mask", None)
    with pytest.raises(MedmtlError, match="MEDMTL-E332"):
        nlp.update(plain(nlp), sgd=False)
    monkeypatch.undo()
    monkeypatch.setattr(masked_lm_losses.functional, "cross_entropy", lambda *_: torch.tensor(float("nan")))
    with pytest.raises(MedmtlError, match="MEDMTL-E016.*'masked_lm'"):
        nlp.update(plain(nlp), sgd=False)
