"""The command line, run in this process."""

from collections.abc import Callable
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from spacy_medmtl.cli import app

Run = Callable[..., Result]


@pytest.fixture
def medmtl() -> Run:
    """Invoke ``medmtl`` with arguments. Whatever is wrong with them, it may end, but not by a bug."""

    def invoke(*arguments: Any) -> Result:
        result = CliRunner().invoke(app, [str(argument) for argument in arguments])
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        assert "[MEDMTL-E500]" not in result.output
        return result

    return invoke
