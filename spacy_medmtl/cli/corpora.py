"""``medmtl corpora``: which corpora there are, what they train, where to get them, and which are in place."""

from pathlib import Path
from typing import Annotated, Any

import srsly
import typer
from wasabi import msg

from ..corpora.converter import Converter
from ..corpora.registry import CONVERTERS

_COLUMNS = ("converter", "tasks", "lang", "licence", "in place", "where to get it")


def corpora(
    folder: Annotated[
        Path | None, typer.Argument(help="A folder of corpora; the list then says which of them are in it.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the list as JSON, with the parts of each.")] = False,
) -> None:
    """List all converters: for which tasks and language, under which licence, where to get the corpus.

    Generic formats, for anyone's own data, have no place of their own.
    """
    rows = [_row(name, converter, folder) for name, converter in sorted(CONVERTERS.items())]
    if as_json:
        typer.echo(srsly.json_dumps(rows, indent=2))
        return
    table = [(row["converter"], ", ".join(row["tasks"]), *(_cell(row[name]) for name in _KEYS)) for row in rows]
    msg.table(table, header=_COLUMNS, divider=True, max_col=60)
    msg.text("What each file holds: medmtl convert --help")


_KEYS = ("lang", "licence", "in_place", "url")


def _row(name: str, converter: Converter, folder: Path | None) -> dict[str, Any]:
    parts: list[str] = [*converter.train, *converter.dev]
    in_place = None
    if folder is not None and converter.folder:
        in_place = all((folder / converter.folder / part).exists() for part in converter.train)
    return {
        "converter": name,
        "help": converter.help,
        "tasks": list(converter.tasks),
        "lang": converter.lang,
        "licence": converter.licence,
        "folder": converter.folder,
        "parts": parts,
        "in_place": in_place,
        "url": converter.url,
    }


def _cell(value: Any) -> str:
    return {True: "yes", False: "no", None: "-", "": "-"}.get(value, str(value))
