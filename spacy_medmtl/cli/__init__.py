"""The command line ``medmtl``: one command per file. To add one: a file here, and a line below."""

from typing import Annotated

import typer

from .. import __version__
from .annotate import annotate
from .calibrate import calibrate
from .card import card
from .convert import convert
from .corpora import corpora
from .debug_data import SETTINGS, debug_data
from .evaluate import evaluate
from .export import export
from .failing import Commands, show_tracebacks
from .fetch_encoder import fetch_encoder
from .info import info
from .init import init
from .lab import lab
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

    Exit status: 0 all is done, 1 it could not be done, 2 the command line is wrong, 3 some notes failed ('annotate').
    """
    show_tracebacks(debug)


app.command("init")(init)
app.command("annotate")(annotate)
app.command("fetch-encoder")(fetch_encoder)
app.command("new-encoder")(new_encoder)
app.command("warm-up")(warm_up_command)
app.command("corpora")(corpora)
app.command("convert")(convert)
app.command("preannotate")(preannotate)
app.command("export")(export)
app.command("prepare")(prepare)
app.command("calibrate")(calibrate)
app.command("debug-data", context_settings=SETTINGS)(debug_data)
app.command("evaluate")(evaluate)
app.command("optimize")(optimize)
app.command("report")(report)
app.command("show")(show)
app.command("info")(info)
app.command("card")(card)
app.command("push")(push)
app.command("serve")(serve)
app.command("view")(view)
app.add_typer(lab)
