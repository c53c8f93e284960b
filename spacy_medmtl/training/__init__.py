"""Training on several corpora at once: reader, schedules, batcher, logger."""
