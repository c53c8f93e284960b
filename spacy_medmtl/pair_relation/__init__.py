"""Pair relation: how two sentences, utterances, texts or entities relate."""
