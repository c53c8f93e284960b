"""The converters by name. To add a corpus: a file with a ``convert`` function, and an entry in the ``catalogue``."""

from ..errors import MedmtlError
from .catalogue import english, generic, other_languages, restricted
from .converter import Converter

CONVERTERS: dict[str, Converter] = {
    **english.CONVERTERS,
    **other_languages.CONVERTERS,
    **restricted.CONVERTERS,
    **generic.CONVERTERS,
}


def get_converter(name: str) -> Converter:
    """The converter with this name. Raises MedmtlError E403 if there is none."""
    if name not in CONVERTERS:
        raise MedmtlError("E403", received=name, expected=", ".join(sorted(CONVERTERS)))
    return CONVERTERS[name]
