"""Views: how Docs become wordpiece sequences, and which rows of the encoder belong to which token, unit or pair."""
