"""Entities of known types in IOB files: BC2GM, linnaeus, and the IOB forms of BC5CDR and NCBI-disease. The words are
kept as given, see ``formats.conll``."""

from ..formats.conll import read
from ..reader import Reader
from ..scheme import Scheme

GENE = "Gene_or_protein"  # one name for what BC2GM calls GENE and JNLPBA protein, so that the two train one label

BC2GM = Reader(read, Scheme(types={"GENE": GENE}))
LINNAEUS = Reader(read, Scheme(types={"Species": "Species"}))
BC5CDR = Reader(read, Scheme(types={"Chemical": "Chemical", "Disease": "Disease"}))
NCBI_DISEASE = Reader(read, Scheme(types={"Disease": "Disease"}))
