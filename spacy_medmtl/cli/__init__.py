"""The command line ``medmtl``: one command per file. To add one: a file here, and a line below."""

import typer

from .annotate import annotate
from .calibrate import calibrate
from .card import card
from .convert import convert
from .corpora import corpora
from .debug_data import SETTINGS, debug_data
from .evaluate import evaluate
from .export import export
from .fetch_encoder import fetch_encoder
from .info import info
from .lab import lab
from .new_encoder import new_encoder
from .optimize import optimize
from .prepare import prepare
from .report import report
from .serve import serve
from .show import show
from .view import view
from .warm_up import warm_up_command

app = typer.Typer(
    name="medmtl",
    help="Corpora, encoders and scores for spacy-medmtl. Training and packaging are spaCy's own commands.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("annotate")(annotate)
app.command("fetch-encoder")(fetch_encoder)
app.command("new-encoder")(new_encoder)
app.command("warm-up")(warm_up_command)
app.command("corpora")(corpora)
app.command("convert")(convert)
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
app.command("serve")(serve)
app.command("view")(view)
app.add_typer(lab)
