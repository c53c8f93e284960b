"""What heads ask of their tok2vec layer: what it can read, what it is given, how wide its rows are."""

from typing import Any

from thinc.api import Model

from ..encoder.listener import reads_units, view_of
from ..encoder.views.requests import DOCUMENT, ToRead, doc_of
from ..errors import MedmtlError
from ..kinds import MODEL, number


def check_layers(name: str, tok2vec: Any, lr_scale: Any) -> None:
    """Raises MedmtlError E203 unless a head's architecture got a model to read with, and a factor on its rate."""
    MODEL.check(name, "tok2vec", tok2vec)
    number().check(name, "lr_scale", lr_scale)


def check_view(tok2vec: Model, view: str, name: str, *other_views: str) -> None:
    """Raises MedmtlError E205 unless ``tok2vec`` reads an encoder of this package in the given view or one of
    ``other_views``."""
    received = view_of(tok2vec) or tok2vec.name
    if not reads_units(tok2vec) or received not in (view, *other_views):
        raise MedmtlError("E205", name=name, view="', '".join([view, *other_views]), received=received)


def reads_documents(model: Model) -> bool:
    """Whether a head's model reads whole Docs, as all who do share (view ``document``)."""
    return view_of(model) == DOCUMENT


def tok2vec_input(tok2vec: Model, items: list[ToRead]) -> list[Any]:
    """Readings for our own listeners, Docs for any other tok2vec layer."""
    return items if reads_units(tok2vec) else [doc_of(item) for item in items]


def tok2vec_width(tok2vec: Model, sample: list[Any]) -> int:
    """The width of a tok2vec layer's rows, found by running it where it does not say."""
    if tok2vec.has_dim("nO"):
        return int(tok2vec.get_dim("nO"))
    # one array [n_tokens, width] per item
    return int(tok2vec.predict(sample[:1])[0].shape[1])
