"""The command line ``medmtl``: one command per file. To add one: a file here, and a line below."""

from typing import Annotated

import typer

from .. import __version__
from .annotate import annotate
from .calibrate import calibrate
from .card import card
from .convert import convert
from .corpora import corpora
from .debug_data import debug_data
from .evaluate import evaluate
from .export import export
from .failing import Commands, show_tracebacks
from .fetch_encoder import fetch_encoder
from .info import info
from .init import init
from .lab import lab
from .loading import WITH_OVERRIDES
from .new_encoder import new_encoder
from .optimize import optimize
from .preannotate import preannotate
from .prepare import prepare
from .push import push
from .report import report
from .serve import serve
from .show import show
from .view import view
from .warm_up import warm_up_command

app = Commands(
    name="medmtl",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _print_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"spacy-medmtl {__version__}")
        raise typer.Exit


@app.callback()
def medmtl(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error. It may quote texts.")] = False,
) -> None:
    """Projects, corpora, encoders, scores and notes for spacy-medmtl. Training and packaging are spaCy's own commands.

    Example: medmtl annotate en_medmtl notes/ -o findings.csv

    Exit status: 0 all is done, 1 it could not be done, 2 the command line is wrong, 3 some notes failed ('annotate',
    'preannotate').
    """
    show_tracebacks(debug)


START, DATA, TRAIN, JUDGE, USE = "Start", "Data", "Train", "Judge", "Use"  # groups in the help, as in docs/commands.md

app.command("init", rich_help_panel=START)(init)
app.command("fetch-encoder", rich_help_panel=START)(fetch_encoder)
app.command("new-encoder", rich_help_panel=START)(new_encoder)
app.command("warm-up", rich_help_panel=START)(warm_up_command)
app.command("corpora", rich_help_panel=DATA)(corpora)
app.command("convert", rich_help_panel=DATA)(convert)
app.command("prepare", rich_help_panel=DATA)(prepare)
app.command("debug-data", rich_help_panel=DATA, context_settings=WITH_OVERRIDES)(debug_data)
app.command("export", rich_help_panel=DATA)(export)
app.command("preannotate", rich_help_panel=DATA)(preannotate)
app.command("calibrate", rich_help_panel=TRAIN)(calibrate)
app.command("optimize", rich_help_panel=TRAIN)(optimize)
app.command("evaluate", rich_help_panel=JUDGE)(evaluate)
app.command("report", rich_help_panel=JUDGE)(report)
app.command("card", rich_help_panel=JUDGE)(card)
app.command("info", rich_help_panel=JUDGE)(info)
app.command("annotate", rich_help_panel=USE)(annotate)
app.command("view", rich_help_panel=USE)(view)
app.command("show", rich_help_panel=USE)(show)
app.command("serve", rich_help_panel=USE)(serve)
app.command("push", rich_help_panel=USE)(push)
app.add_typer(lab, rich_help_panel=JUDGE)
