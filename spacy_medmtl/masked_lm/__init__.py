"""The component ``medmtl_masked_lm``: an objective on plain text, beside the tasks or before them."""
