"""The grammar of status: sentences composed for training, with the status of every finding known by construction."""
