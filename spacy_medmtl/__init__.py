"""Clinical multi-task NLP for spaCy: one shared encoder with task routes, and the heads that read it.

Importing this package imports neither torch nor transformers; they come when a model is built.
"""

from .annotations.extensions import install_extensions
from .annotations.pairs import pair_doc, texts_of
from .annotations.relations import Relation
from .annotations.rows import rows
from .annotations.tables import tables

__version__ = "0.1.0"
__all__ = ["Relation", "install_extensions", "pair_doc", "rows", "tables", "texts_of"]
