"""Sentence intent: one label, or several, for each sentence, utterance or Doc."""
