"""What is written on a Doc: span groups and their values, relations, two-segment Docs, extensions."""
