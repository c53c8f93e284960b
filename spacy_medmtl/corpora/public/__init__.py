"""Public corpora. Each reader was run on the real files; ``docs/data.md`` says how to get at them."""
