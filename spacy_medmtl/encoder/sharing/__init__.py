"""Sharing rules: what the FFN of a route computes. One file per rule; each is a registered, torch-free object."""
