"""How a template marks the status of a finding: a sign, then a letter for each modifier."""

STATUS = {"+": "positive", "-": "negative", "?": "unknown"}
MODIFIERS = {"h": "historical", "u": "uncertain", "y": "hypothetical", "f": "family"}
