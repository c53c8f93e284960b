"""What converters there are, by kind of corpus; ``registry`` puts them together."""
