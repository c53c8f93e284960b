"""How every command fails: a coded message on stderr and exit status 1, no traceback."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer

from ..errors import MedmtlError


@contextmanager
def coded_errors() -> Iterator[None]:
    """Turn a MedmtlError into its message and exit status 1. Other exceptions are bugs and keep their traceback."""
    try:
        yield
    except MedmtlError as error:
        typer.secho(str(error), fg=typer.colors.RED, err=True)
        raise typer.Exit(1) from None
