"""Training on several corpora at once: reader, schedules, batcher, optimizers, logger. What stands around it: checks of
corpora and config before, evaluation, calibration and saving after; and encoders trained on plain text."""
