"""What a pipeline found in a note, to look at: in Jupyter, as HTML, or through spaCy's own displaCy."""

from .rendering import parse_spans, render

__all__ = ["parse_spans", "render"]
