"""Reference or predicted Docs in the formats of other tools. What a format cannot hold is counted, and never silent."""
