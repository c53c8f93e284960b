"""How every command fails: a coded message on stderr and exit status 1, no traceback unless ``--debug`` asks for it."""

import io
import os
import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

import typer
from wasabi import msg

from ..errors import MedmtlError

_asked_for = {"debug": False}


def show_tracebacks(debug: bool) -> None:
    """Whether errors are raised as they are, from now on."""
    _asked_for["debug"] = debug


class Commands(typer.Typer):
    """Commands. A MedmtlError ends one with its message and exit status 1; so does what it did not expect, with E500:
    the text of another exception could quote a note."""

    def command(self, name: str | None = None, **settings: Any) -> Callable[[Any], Any]:
        """As typer's."""
        register = super().command(name, **settings)
        return lambda function: register(_told(function))


def _told(function: Callable[..., None]) -> Callable[..., None]:
    @wraps(function)
    def run(*arguments: Any, **settings: Any) -> None:
        _suit_output()
        try:
            function(*arguments, **settings)
        except (typer.Exit, typer.Abort):
            raise
        except Exception as error:
            if _asked_for["debug"] or (isinstance(error, BrokenPipeError) and _reader_is_gone()):
                raise
            _end(error if isinstance(error, MedmtlError) else MedmtlError("E500", problem=type(error).__name__))

    return run


def _suit_output() -> None:
    """Colours on terminals only, and not where NO_COLOR is set; characters that the output's encoding lacks as
    escapes."""
    msg.show_color = bool(sys.stdout and sys.stdout.isatty() and not os.environ.get("NO_COLOR"))
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="backslashreplace")


def _reader_is_gone() -> bool:
    """Whether standard output leads nowhere any more, as in ``medmtl corpora | head``: click ends such a command in
    silence. Pipes to worker processes may break too, and that is an error."""
    try:
        typer.echo()  # an empty line behind output that is not whole does no harm
    except BrokenPipeError:
        return True
    return False


def _end(error: MedmtlError) -> None:
    typer.secho(str(error), fg=typer.colors.RED, err=True)
    raise typer.Exit(1) from None
