"""Faster copies of trained pipelines: what can be changed after training, and whether it pays."""
