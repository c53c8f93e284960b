"""``python -m spacy_medmtl.cli``, where the ``medmtl`` script is not on the path."""

from . import app

app(prog_name="medmtl")
