"""``medmtl corpora``: which corpora there are, what they train, where to get them, and which are in place."""

from pathlib import Path
from typing import Annotated, Any

import srsly
import typer
from wasabi import msg

from ..corpora.reader import Reader, get_reader, readers
from ..errors import MedmtlError

_TITLES = {
    "lang": "lang",
    "licence": "licence",
    "in_place": "in place",
    "is_verified": "real files",
    "url": "where to get it",
}


def corpora(
    folder: Annotated[
        Path | None, typer.Argument(help="A folder of corpora; the list then says which of them are in it.")
    ] = None,
    about: Annotated[str | None, typer.Option(help="Tell all of this one, its settings too.", metavar="NAME")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the list as JSON, with the parts and settings of each.")
    ] = False,
) -> None:
    """List all converters: for which tasks and language, under which licence, where to get the corpus.

    Example: medmtl corpora --about brat

    Formats of anyone's own data have no place of their own, and are read in any language ('medmtl convert --lang');
    "lang" is what is taken if none is named. "real files" says whether a converter was ever run on
    these, and not only on documents that were invented after a documentation.
    """
    if folder is not None and not folder.is_dir():
        raise MedmtlError("E404", option="FOLDER", received=str(folder), expected="a folder of corpora that is there")
    chosen = readers() if about is None else {about: get_reader(about)}
    rows = [_row(name, reader, folder) for name, reader in chosen.items()]
    if as_json:
        typer.echo(srsly.json_dumps(rows, indent=2))
        return
    if about is not None:
        _tell(rows[0])
        return
    table = [(row["converter"], *_cells(row).values()) for row in rows]
    msg.table(table, header=("converter", *_cells(rows[0])), divider=True, max_col=60)
    msg.text("What one reads, and its settings: medmtl corpora --about NAME")


def _tell(row: dict[str, Any]) -> None:
    msg.text(row["help"] or row["converter"])
    msg.table([(title, cell) for title, cell in _cells(row).items() if cell != "-"])
    for key, told in row["settings"].items():
        msg.text(f"--set {key}={told['default']}: {told['help']}")


def _row(name: str, reader: Reader, folder: Path | None) -> dict[str, Any]:
    parts: list[str] = [*reader.train, *reader.dev]
    in_place = None
    if folder is not None and reader.folder:
        in_place = all((folder / reader.folder / part).exists() for part in reader.train)
    return {
        "converter": name,
        "help": reader.help,
        "tasks": list(reader.tasks),
        "lang": reader.lang,
        "licence": reader.licence,
        "folder": reader.folder,
        "parts": parts,
        "in_place": in_place,
        "is_verified": reader.is_verified,
        "url": reader.url,
        "settings": {key: {"default": option.default, "help": option.help} for key, option in reader.options.items()},
    }


def _cells(row: dict[str, Any]) -> dict[str, str]:
    """What the list says of a converter, by column."""
    return {"tasks": ", ".join(row["tasks"]) or "-", **{title: _cell(row[key]) for key, title in _TITLES.items()}}


def _cell(value: Any) -> str:
    return {True: "yes", False: "no", None: "-", "": "-"}.get(value, str(value))
