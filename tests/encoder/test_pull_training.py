"""Who learns in an update: every order of heads, every subset with gold, frozen encoder and frozen heads."""

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations, permutations

import pytest
from encoder_helpers import TASKS, TEXTS, adam, document_heads, gold_examples, moments, pending, same, weights
from spacy.language import Language

SHORT = ("sentence_intent", "sru_nested_ner", "cpncf_assertion")
ORDERS = [*permutations(SHORT), TASKS, TASKS[::-1]]


def subsets(names: Sequence[str]) -> Iterator[tuple[str, ...]]:
    for size in range(len(names) + 1):
        yield from combinations(names, size)


def started(make_nlp: Callable[..., Language], *heads: str, view: str = "own") -> Language:
    """view: ``document`` for all heads, or of each its own."""
    nlp = make_nlp(*(document_heads(heads) if view == "document" else heads))
    nlp.initialize(lambda: gold_examples(nlp))
    return nlp


def changes(nlp: Language, optimizer: object, step: Callable[[], object]) -> list[str]:
    """The components whose weights or Adam moments are other bits after ``step``."""
    pipes = {name: pipe.model for name, pipe in nlp.pipeline if hasattr(pipe, "model")}
    before = {name: (weights(model), moments(model, optimizer)) for name, model in pipes.items()}
    step()
    return [
        name
        for name, model in pipes.items()
        if not (same(before[name][0], weights(model)) and same(before[name][1], moments(model, optimizer)))
    ]


def training_loop_step(nlp: Language, examples: object, optimizer: object, exclude: Sequence[str] = ()) -> None:
    """As ``spacy train`` does it: accumulate, then step every component that is not frozen."""
    nlp.update(examples, sgd=False, exclude=exclude)
    for name, pipe in nlp.pipeline:
        if name not in exclude and hasattr(pipe, "finish_update"):
            pipe.finish_update(optimizer)


@pytest.mark.parametrize(
    ("order", "view"),
    [*((order, "own") for order in ORDERS), (TASKS, "document"), (SHORT[::-1], "document")],
    ids=lambda value: value if isinstance(value, str) else "-".join(name[:4] for name in value),
)
def test_exactly_the_heads_with_gold_and_the_encoder_move(
    make_nlp: Callable[..., Language], order: tuple[str, ...], view: str
):
    """Both ways of updating, one after the other on the same pipeline, so that all have moments to be moved by."""
    nlp, optimizer = started(make_nlp, *order, view=view), adam()
    for with_gold in [*subsets(order), order]:
        examples = gold_examples(nlp, with_gold, TEXTS[:2])
        expected = [name for name in ("encoder", *order) if name in with_gold or (name == "encoder" and with_gold)]
        assert changes(nlp, optimizer, lambda: nlp.update(examples, sgd=optimizer)) == expected  # noqa: B023
        assert pending(nlp) == []
        assert changes(nlp, optimizer, lambda: training_loop_step(nlp, examples, optimizer)) == expected  # noqa: B023
        assert pending(nlp) == []


@pytest.mark.parametrize(
    ("order", "view"),
    [(TASKS, "own"), (TASKS[::-1], "own"), (TASKS, "document")],
    ids=["forward", "backward", "document"],
)
def test_freezing_any_set_of_components_in_alternation(
    make_nlp: Callable[..., Language], order: tuple[str, ...], view: str
):
    """The same list of examples throughout; each frozen update stands between two that freeze nothing."""
    nlp, optimizer = started(make_nlp, *order, view=view), adam()
    examples = gold_examples(nlp, texts=TEXTS[:2])
    everything = ["encoder", *order]
    frozen_sets = [("encoder",), (order[0],), (order[-1],), ("encoder", order[1]), order, order[1:], tuple(everything)]
    for frozen in frozen_sets:
        learning = [name for name in order if name not in frozen]
        expected = [name for name in everything if name in learning or (name not in frozen and learning)]
        for update in (nlp.update, lambda batch, sgd, exclude: training_loop_step(nlp, batch, sgd, exclude)):
            assert changes(nlp, optimizer, lambda: update(examples, sgd=optimizer, exclude=frozen)) == expected  # noqa: B023
            assert pending(nlp) == []
            assert changes(nlp, optimizer, lambda: update(examples, sgd=optimizer, exclude=[])) == everything  # noqa: B023
            assert pending(nlp) == []


def test_a_frozen_encoder_leaves_no_gradient_for_later(make_nlp: Callable[..., Language]):
    nlp = started(make_nlp, *TASKS)
    examples = gold_examples(nlp)
    nlp.update(examples, sgd=False, exclude=["encoder"])
    assert pending(nlp)
    assert not [name for name in pending(nlp) if name.startswith("encoder")]


def test_only_routes_at_or_below_the_heads_with_gold_move(make_nlp: Callable[..., Language]):
    """Inside the encoder too: an update of the second task leaves the FFNs of the third and fourth as they are."""
    nlp, optimizer = started(make_nlp, *TASKS), adam()
    nlp.update(gold_examples(nlp), sgd=optimizer)
    model = nlp.get_pipe("encoder").model
    before = weights(model)
    nlp.update(gold_examples(nlp, ["pair_relation"]), sgd=optimizer)
    after = weights(model)
    moved = {key[1] for key in before if before[key].tobytes() != after[key].tobytes()}
    ffns = {int(name.split(".ffns.")[1][0]) for name in moved if ".ffns." in name}
    rows = {int(name.split(".coefficients.")[1]) for name in moved if ".coefficients." in name}
    assert (ffns, rows) == ({0, 1}, {0})


def test_examples_without_any_gold_change_nothing_and_report_no_loss(make_nlp: Callable[..., Language]):
    nlp, optimizer = started(make_nlp, *TASKS), adam()
    nlp.update(gold_examples(nlp), sgd=optimizer)
    losses: dict = {}
    step = lambda: nlp.update(gold_examples(nlp, []), sgd=optimizer, losses=losses)  # noqa: E731
    assert changes(nlp, optimizer, step) == []
    assert losses == dict.fromkeys(["encoder", *TASKS], 0.0)
