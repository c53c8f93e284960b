"""Other people's formats turned into reference Docs: a converter per corpus, format parsers, the audit of losses."""
