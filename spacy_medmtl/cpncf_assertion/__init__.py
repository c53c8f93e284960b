"""Clinical findings, positive, negative or unknown, read in their context."""
