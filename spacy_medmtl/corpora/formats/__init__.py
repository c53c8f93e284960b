"""Parsers of file formats that several corpora share. They know lines, offsets and the audit, and nothing of spaCy."""
