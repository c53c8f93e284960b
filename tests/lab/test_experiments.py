"""The cells of each experiment: as many as the paper's table has, all different, all configs that spaCy takes."""

from dataclasses import replace
from pathlib import Path

import pytest
from thinc.api import Config

from spacy_medmtl.errors import MedmtlError
from spacy_medmtl.lab.cells import Budget, Cell, cell_config, doc_limits, with_seeds
from spacy_medmtl.lab.checks import build, read_base
from spacy_medmtl.lab.experiments import EXPERIMENTS, only, routes_of, with_tasks
from spacy_medmtl.lab.limiting import limited_cells
from spacy_medmtl.lab.runner import plan

TASKS = ["sentence_intent", "pair_relation", "sru_nested_ner", "cpncf_assertion"]
CONFIGS = sorted((Path(__file__).parents[2] / "configs" / "lab").glob("*.cfg"))
BUDGET = Budget(steps=10, seeds=(0, 1), train_docs=3, dev_docs=2, test_docs=0)
# rows of a line of 1 seed: systems 5; k-shot 2 x 5; Table 4 has 4, Table 5 has 5; 1..4 FFNs and the whole cluster; 4
# tasks and 6 pairs; single, refined, 4 fine-tuned; two schedules; before and after training; 4 single, two schedules,
# progressive, 4 fine-tuned, masked words; vanilla, shared, progressive; 5 shares alone and beside others
SIZES = {"systems": 5, "kshot": 10, "remove": 4, "orders": 5, "parameters": 5, "pairwise": 10, "stages": 6}
SIZES.update(schedules=2, gradients=2, clinical=12, costs=3, limited=10)


def cells_of(base: Config, name: str) -> dict[str, Cell]:
    return {cell.name: cell for cell in EXPERIMENTS[name].cells(base, BUDGET.steps)}


def test_every_experiment_is_counted():
    assert set(SIZES) == set(EXPERIMENTS)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_cells_are_distinct_and_resolve(base: Config, tmp_path: Path, name: str):
    cells = with_seeds(EXPERIMENTS[name].cells(base, BUDGET.steps), BUDGET.seeds)
    assert len(cells) == 2 * SIZES[name]
    cells = limited_cells(base, cells, BUDGET, tmp_path)
    planned = plan(name, base, cells, BUDGET, tmp_path, -1)
    assert len({one.output for one in planned}) == len(planned), "no two write one file"
    assert len({one.output.name.split("-")[-1] for one in planned}) == len(planned) - 2 * 5 * (name == "kshot")
    for one in planned:
        assert "lab" not in one.config
        assert one.config["system"]["seed"] == one.cell.seed
        assert one.config["training"]["max_steps"] == one.cell.steps
        if not one.cell.after and not one.cell.seed:  # what it starts from is not there yet
            nlp = build(one.config, one.cell.name)
            assert nlp.pipe_names == one.config["nlp"]["pipeline"]


def test_some_of_the_tasks(base: Config):
    """As if the config had these tasks alone, in the order asked for. A corpus that has other tasks too stays."""
    base["corpora"]["train"]["corpora"]["rqe"]["tasks"] = ["pair_relation", "sentence_intent"]
    some = with_tasks(base, ["sru_nested_ner", "pair_relation"])
    assert routes_of(some) == ["sru_nested_ner", "pair_relation"]
    assert some["nlp"]["pipeline"] == ["sentencizer", "encoder", "pair_relation", "sru_nested_ner"]
    assert not set(some["components"]) & {"sentence_intent", "cpncf_assertion"}
    tasks = {name: settings["tasks"] for name, settings in some["corpora"]["train"]["corpora"].items()}
    assert tasks == {"rqe": ["pair_relation"], "bc5cdr": ["sru_nested_ner"]}
    assert set(some["corpora"]["test"]["corpora"]) == {"rqe", "bc5cdr"}
    assert routes_of(base) == TASKS, "the base config is left as it was"
    assert len(list(EXPERIMENTS["pairwise"].cells(some, 2))) == 3
    assert set(only(some, ["pair_relation"])["corpora.dev.corpora"]) == {"rqe"}
    for wrong in (["sentiment"], ["pair_relation", "pair_relation"]):
        with pytest.raises(MedmtlError, match="E404.*--task"):
            with_tasks(base, wrong)


def test_steps_are_for_each_task(base: Config):
    assert {cell.steps for cell in cells_of(base, "systems").values()} == {40}
    assert {name: cell.steps for name, cell in cells_of(base, "schedules").items()} == {
        "round_robin": 40,
        "loss_sum": 10,
    }
    assert [cell.steps for cell in cells_of(base, "remove").values()] == [40, 30, 30, 20]
    assert {cell.steps for cell in cells_of(base, "kshot").values()} == {4 * 3}, "a third: samples are small"


def test_vanilla_shares_nothing(base: Config):
    config = cell_config(base, cells_of(base, "systems")["vanilla"], BUDGET)
    nlp = build(config, "vanilla")
    for task in TASKS:
        assert nlp.get_pipe(f"{task}_encoder").listening_components == [task]
    assert "encoder" not in nlp.component_names
    assert config["components"]["sentence_intent_encoder"]["model"]["sharing"] == {
        "@misc": "spacy-medmtl.shared_rule.v1"
    }
    assert base["components"]["sentence_intent"]["model"]["tok2vec"]["upstream"] == "*", "the base stays as it was"


def test_removed_tasks_leave_no_trace(base: Config):
    """Table 4: full, -SPRJ, -NER, and -SPRJ, NER, in order."""
    cells = cells_of(base, "remove")
    assert [cell.row for cell in cells.values()] == [
        "full",
        "without pair_relation",
        "without sru_nested_ner",
        "without pair_relation, sru_nested_ner",
    ]
    config = cell_config(base, cells["full-pair_relation-sru_nested_ner"], BUDGET)
    assert config["components"]["encoder"]["model"]["routes"] == ["sentence_intent", "cpncf_assertion"]
    assert (
        list(config["corpora"]["train"]["corpora"]) == ["piboso", "negex"] == list(config["corpora"]["test"]["corpora"])
    )
    assert config["nlp"]["pipeline"] == ["sentencizer", "encoder", "sentence_intent", "cpncf_assertion"]


def test_orders_are_those_of_table_5(base: Config):
    cells = cells_of(base, "orders")
    routes = cells["3412"].changes["components.encoder.model.routes"]
    assert routes == ["sru_nested_ner", "cpncf_assertion", "sentence_intent", "pair_relation"]
    assert cells["1234"].changes["components.encoder.model.routes"] == TASKS
    assert [cell.row for cell in cells.values()] == ["1→2→3→4", "1→3→2→4", "3→4→1→2", "2→1→4→3", "4→3→2→1"]


def test_the_parameter_control_has_one_task_and_its_ffns(base: Config):
    cells = cells_of(base, "parameters")
    for n in range(1, 5):
        config = cell_config(base, cells[f"{n}-ffn"], BUDGET)
        assert config["components"]["encoder"]["model"]["sharing"]["n_ffn"] == n
        assert config["nlp"]["pipeline"][2:] == ["cpncf_assertion"]


def test_limits_are_the_lesser_of_budget_and_config(base: Config):
    base["corpora"]["train"]["corpora"]["rqe"]["limit"] = 2
    base["corpora"]["test"]["corpora"]["rqe"]["limit"] = 5
    limits = doc_limits(base, BUDGET)
    assert limits["train"] == {"piboso": 3, "rqe": 2, "bc5cdr": 3, "negex": 3}
    assert limits["test"] == {"piboso": 0, "rqe": 5, "bc5cdr": 0, "negex": 0}
    config = cell_config(base, cells_of(base, "systems")["shared"], BUDGET)
    assert [one["limit"] for one in config["corpora"]["train"]["corpora"].values()] == [3, 2, 3, 3]


def test_a_cell_is_known_by_its_config_files_and_limits(base: Config, tmp_path: Path):
    def names(budget: Budget = BUDGET) -> list:
        return [one.output.name for one in plan("orders", base, cells, budget, tmp_path, -1)]

    cells = list(EXPERIMENTS["orders"].cells(base, BUDGET.steps))
    first = names()
    assert names() == first
    assert not set(first) & set(names(Budget(10, (0,), 3, 2, 1)))
    encoder = Path(base["paths"]["encoder"])
    corpus = Path(base["paths"]["data"]) / "dev" / "rqe.spacy"
    for path in (encoder / "model.safetensors", encoder / "tokenizer.json", encoder / "config.json", corpus):
        kept = path.read_bytes()
        path.write_bytes(kept[:-1])  # the fixture of the encoder is shared with other tests
        changed = names()
        path.write_bytes(kept)
        assert not set(first) & set(changed)
    assert names() == first
    assert not set(first) & {one.output.name for one in plan("orders", base, cells, BUDGET, tmp_path, gpu_id=0)}
    corpus.rename(corpus.with_name("shard.spacy"))
    corpus.mkdir()
    corpus.with_name("shard.spacy").rename(corpus / "one.spacy")
    in_a_folder = names()
    (corpus / "two.spacy").write_bytes(b"another shard")
    assert not set(in_a_folder) & {*first, *names()}


def test_each_cell_trains_with_its_seed(base: Config):
    """Also where the base config has a number there, which would make all seeds one run."""
    cell = cells_of(base, "systems")["shared"]
    assert cell_config(base, replace(cell, seed=3), BUDGET).interpolate()["training"]["seed"] == 3
    base["training"]["seed"] = 7
    assert cell_config(base, replace(cell, seed=3), BUDGET).interpolate()["training"]["seed"] == 3


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_committed_configs(path: Path):
    """All but vanilla.cfg, which is for ``spacy train``, are base configs."""
    if path.stem == "vanilla":
        with pytest.raises(MedmtlError, match="E340"):
            read_base(path, {})
        return
    base = read_base(path, {})
    for cell in EXPERIMENTS["systems"].cells(base, 2):
        assert set(routes_of(base)) < set(build(cell_config(base, cell, BUDGET), cell.name).pipe_names)


def test_wrong_number_of_tasks(base: Config):
    base["components"]["encoder"]["model"]["routes"] = TASKS[:1]
    for name in ("orders", "remove", "pairwise", "gradients", "clinical", "limited"):
        with pytest.raises(MedmtlError, match=f"E344.*'{name}'"):
            list(EXPERIMENTS[name].cells(base, 2))
