"""Readers of corpora that are lent on application only, or were not at hand: written from the documented formats,
tested on invented documents, and never run on the real files. See ``docs/restricted_corpora.md``."""
