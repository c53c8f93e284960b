"""Nested named entities by a transition system with a slot memory (SRU-NER, Ruano et al., BioNLP 2025)."""
