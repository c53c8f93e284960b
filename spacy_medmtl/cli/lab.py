"""``medmtl lab``: experiments, from ``experiments.py``, and ``order``, which suggests an order of tasks."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import srsly
import typer
from spacy import util
from spacy.language import Language
from spacy.training import Example
from spacy.util import load_model_from_config, resolve_dot_names
from thinc.api import ConfigValidationError
from tqdm import tqdm
from wasabi import msg

from ..additional_code import import_code
from ..errors import MedmtlError
from ..lab.experiments import EXPERIMENTS
from ..lab.order import difficulties, order_by_rules, parse_constraints, route_profiles
from .experiments import COMMANDS
from .failing import Commands
from .loading import WITH_OVERRIDES, Code, config_overrides

lab = Commands(
    name="lab",
    help="Experiments with sharing systems, task orders and schedules.\n\nExample: medmtl lab systems --profile cpu",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


for _name, _command in COMMANDS.items():
    lab.command(
        _name,
        help=f"{EXPERIMENTS[_name].help}\n\nExample: medmtl lab {_name} --profile cpu",
        context_settings=WITH_OVERRIDES,
    )(_command)


@lab.command("order", context_settings=WITH_OVERRIDES)
def order(
    ctx: typer.Context,
    config: Annotated[Path, typer.Argument(help="A training config. Its settings may follow: --paths.train corpus.")],
    before: Annotated[
        list[str] | None,
        typer.Option(help="EASIER:HARDER, two routes: what you know and the rules do not. May be repeated."),
    ] = None,
    metrics: Annotated[
        list[Path] | None,
        typer.Option(help="JSON of 'medmtl evaluate' for a single-task pipeline. Once for each; all routes together."),
    ] = None,
    code: Code = None,
) -> None:
    """Suggest an order of routes, easy to hard, from the training corpus of a config.

    Example: medmtl lab order configs/own.cfg

    By the progressive paper's rules: sentences before tokens, upstream before downstream. With --metrics also by
    measured difficulty: the share that a single-task pipeline leaves of what the floor leaves.
    """
    import_code(code)
    nlp, examples = _read_config(config, ctx)
    profiles = route_profiles(nlp, tqdm(examples, desc="Reading", unit=" docs", disable=None, leave=False))
    if not profiles:
        raise MedmtlError("E023", path=config, problem="none of its components reads a route")
    routes = order_by_rules(profiles, parse_constraints(before or (), list(profiles)))
    measured = difficulties(profiles, {str(path): _read_json(path) for path in metrics}) if metrics else {}
    header = ("route", "granularity", "together", "judged", "units", *["difficulty"] * bool(measured))
    rows = []
    for route in routes:
        profile = profiles[route]
        row = (route, *profile.describe(), str(profile.n_units))
        rows.append((*row, f"{measured[route]:.3f}") if measured else row)
    msg.table(rows, header=header, divider=True)
    typer.echo(f"By the two rules:\n{_setting(routes)}")  # wasabi would break the lines that one copies
    if measured:
        typer.echo(f"By measured difficulty:\n{_setting(sorted(routes, key=lambda route: measured[route]))}")
    now = list(profiles)
    if now == routes:
        msg.good("The config has the order of the rules.")
    else:
        msg.warn("The config has another order:")
        typer.echo(_setting(now))


def _setting(routes: list[str]) -> str:
    return f"routes = {srsly.json_dumps(routes)}"


def _read_config(path: Path, ctx: typer.Context) -> "tuple[Language, Iterable[Example]]":
    """The untrained pipeline of a config and its training corpus. Raises MedmtlError E023 where it is no config."""
    overrides = config_overrides(ctx.args)
    try:
        nlp = load_model_from_config(util.load_config(path, overrides=overrides), auto_fill=True)
        config = nlp.config.interpolate()
        (corpus,) = resolve_dot_names(config, [config["training"]["train_corpus"]])
    except MedmtlError:
        raise
    except (ConfigValidationError, OSError, ValueError, KeyError) as error:
        raise MedmtlError("E023", path=path, problem=" ".join(str(error).split())[:300]) from error
    return nlp, corpus(nlp)


def _read_json(path: Path) -> object:
    try:
        return srsly.read_json(path)
    except (OSError, ValueError) as error:
        raise MedmtlError("E027", path=path, problem=f"it cannot be read ({type(error).__name__})") from error
