"""How every command fails: a coded message on stderr and exit status 1, no traceback unless ``--debug`` asks for it."""

import errno
import io
import os
import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

import typer
from wasabi import msg

from ..errors import MedmtlError

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # on the disk, in a quota, by a limit on files
_asked_for = {"debug": False}


def show_tracebacks(debug: bool) -> None:
    """Whether errors are raised as they are, from now on."""
    _asked_for["debug"] = debug


class Commands(typer.Typer):
    """Commands. A MedmtlError ends one with its message and exit status 1; so do a full disk, with E508, and what it
    did not expect, with E500: the text of another exception could quote a note."""

    def __call__(self, *arguments: Any, **settings: Any) -> Any:
        """As typer's. What was printed leaves the program here, where it can still be told if it does not."""
        try:
            try:
                return super().__call__(*arguments, **settings)
            finally:
                if sys.stdout is not None:
                    sys.stdout.flush()
        except OSError as error:
            if _asked_for["debug"] or error.errno not in (errno.EPIPE, *NO_ROOM):
                raise
            if error.errno != errno.EPIPE:
                _tell(_no_room(error))
            _drop_output()
            sys.exit(1)

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
            _tell(_coded(error))
            raise typer.Exit(1) from None

    return run


def _coded(error: Exception) -> MedmtlError:
    if isinstance(error, MedmtlError):
        return error
    if isinstance(error, OSError) and error.errno in NO_ROOM:
        return _no_room(error)
    return MedmtlError("E500", problem=type(error).__name__)


def _no_room(error: OSError) -> MedmtlError:
    """That there is no room for output, on whichever disk it is: files of users are told by their commands, with
    E407."""
    what = "a file that the command needs"
    try:
        typer.echo()  # as in ``_reader_is_gone``
    except OSError:
        what = "standard output"
        _drop_output()
    return MedmtlError("E508", what=what, problem=error.strerror)


def _drop_output() -> None:
    """Lead standard output to nowhere: Python writes what is left of it at its end, and would complain once more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


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


def _tell(error: MedmtlError) -> None:
    typer.secho(str(error), fg=typer.colors.RED, err=True)
