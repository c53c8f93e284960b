"""What the shim of the encoder holds and saves: the routed encoder with its wordpieces."""

from collections.abc import Mapping
from typing import Any

from torch import nn

from ..errors import MedmtlError
from .pretrained import shape_of
from .routed import RoutedEncoder
from .views.layout import ViewSettings, Window
from .views.wordpieces import WordPieces

MIN_WINDOW = 16


class EncoderModule(nn.Module):
    """A routed encoder, and how Docs are laid out for it."""

    def __init__(self, encoder: RoutedEncoder, tokenizer: str, window: Window, speakers: Mapping[str, str]) -> None:
        super().__init__()
        self.encoder = encoder
        self.settings = ViewSettings(WordPieces(tokenizer), window, speakers)


def check_window(window: int, stride: int, config: Mapping[str, Any]) -> Window:
    """Raises MedmtlError E007 where the window does not fit the model."""
    maximum = shape_of(config).longest
    if not MIN_WINDOW <= window <= maximum or not 0 < stride <= window - 2:
        raise MedmtlError("E007", window=window, stride=stride, maximum=maximum)
    return Window(window, stride)
