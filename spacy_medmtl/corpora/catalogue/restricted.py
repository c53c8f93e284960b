"""Corpora that are lent on application only. Converted here from their documented formats, not run on the real data."""

from typing import Dict

from ..converter import Converter

CONVERTERS: Dict[str, Converter] = {}
