"""Sentences and sections of clinical notes: rules over lines and punctuation, no model."""
