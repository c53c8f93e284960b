"""Experiments: sharing systems, task order, task removal, k-shot, pairwise transfer, refine -> fine-tune."""
