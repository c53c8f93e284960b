"""Notes in, tables out: texts from files of many kinds, and what a pipeline writes on them as rows."""
