"""The tests in environments of other versions: ``make test-versions``, or ``nox --list`` and ``nox -s NAME``.

Interpreters that are not installed are skipped (``nox --error-on-missing-interpreters`` fails instead).
"""

import nox

PYTHONS = ["3.10", "3.11", "3.12", "3.13", "3.14"]
# What depends on versions of other packages: encoders, saving and loading, training, the command line, whole pipelines.
TESTS = ["tests/encoder", "tests/heads", "tests/training", "tests/cli", "tests/saved", "tests/test_saving.py"]
TOOLS = ["pytest", "hypothesis"]

nox.options.error_on_missing_interpreters = False


def run(session: nox.Session, constraints: str, package: str) -> None:
    session.install("-c", constraints, package, *TOOLS)
    session.run("python", "-m", "pip", "list", "--format=freeze", silent=False)
    # Their warnings change from version to version; 'make test' is where warnings are errors.
    session.run("pytest", "-W", "default", *(session.posargs or TESTS), env={"OMP_NUM_THREADS": "1"})


@nox.session(python=PYTHONS)
def newest(session: nox.Session) -> None:
    """The newest of everything, as 'pip install spacy-medmtl' brings it: transformers 5, no spacy-transformers."""
    run(session, "constraints.txt", ".")


@nox.session(python=PYTHONS)
def transformer(session: nox.Session) -> None:
    """With spacy-transformers, and so with transformers 4.53."""
    run(session, "constraints.txt", ".[transformer]")


@nox.session(python=["3.10"])
def lowest(session: nox.Session) -> None:
    """The lowest of everything that setup.cfg allows."""
    run(session, "constraints-lowest.txt", ".")
