"""Formats of anyone's own data, and what their files must hold."""

from typing import Dict

from ..converter import Converter

CONVERTERS: Dict[str, Converter] = {}
