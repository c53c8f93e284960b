"""Other people's formats turned into reference Docs: one converter per corpus, format parsers, and the audit of losses."""
