"""Pair relation: how two sentences, utterances or texts relate."""
