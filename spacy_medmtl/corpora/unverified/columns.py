"""Corpora in columns: BC4CHEMD (IOB), CoNLL-2003 (English news, for comparison: word, part of speech, chunk, and the
name in IOB1; the other layers are not used)."""

from ..formats.conll import read
from ..reader import Reader
from ..scheme import Scheme

BC4CHEMD = Reader(read, Scheme(types={"Chemical": "Chemical"}))
CONLL2003 = Reader(read, Scheme(types={name: name for name in ("PER", "LOC", "ORG", "MISC")}))
