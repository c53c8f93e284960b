"""The command line ``medmtl``: one command per file. To add one: a file here, and a line below."""

import typer

from .convert import convert
from .fetch_encoder import fetch_encoder

app = typer.Typer(
    name="medmtl",
    help="Data and encoders for spacy-medmtl. Training, evaluation and packaging are spaCy's own commands.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("convert")(convert)
app.command("fetch-encoder")(fetch_encoder)


@app.callback()
def main() -> None:
    """Keeps the names of the commands where there is only one."""
