"""i2b2 2014: protected health information in longitudinal records (``tagged_xml``), entities by TYPE.

The element names the category (NAME, LOCATION, ...), TYPE what is marked (PATIENT, CITY, ...). ``220-03.xml`` is the
third record of patient 220; the records of a patient stay together in a split.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc

from ..annotations.groups import ENTITIES
from .audit import Audit, Place
from .docs import split_sentences
from .entities import drop_unknown, write_mentions
from .formats.mention import Mention
from .formats.tagged_xml import TaggedText, read_tagged
from .texts import text_doc

TYPES = (
    *("PATIENT", "DOCTOR", "USERNAME", "PROFESSION", "AGE", "DATE"),
    *("ROOM", "DEPARTMENT", "HOSPITAL", "ORGANIZATION", "STREET", "CITY", "STATE", "COUNTRY", "ZIP", "LOCATION-OTHER"),
    *("PHONE", "FAX", "EMAIL", "URL", "IPADDR"),
    *("SSN", "MEDICALRECORD", "HEALTHPLAN", "ACCOUNT", "LICENSE", "VEHICLE", "DEVICE", "BIOID", "IDNUM", "OTHER"),
)
LABELS = {name: name for name in TYPES}


def convert(paths: Sequence[Path], nlp: Language, audit: Audit, *, seed: int = 0) -> Iterator[Doc]:
    """One Doc for each ``.xml``. Raises MedmtlError E401 at the first loss in stop mode."""
    for path in paths:
        content = read_tagged(path, audit)
        if content is None:
            continue
        patient = path.stem.partition("-")[0]
        doc = text_doc(nlp, content.text, patient, audit, Place(path, 1))
        if doc is not None:
            write_mentions(doc, _mentions(content, audit), LABELS, audit)
            split_sentences(doc, audit, whole=doc.spans[ENTITIES])
            yield doc


def _mentions(content: TaggedText, audit: Audit) -> list[Mention]:
    mentions: list[Mention] = []
    for tag in content.tags:
        stretch, label = content.stretch(tag), tag.value("TYPE")
        if label not in LABELS:
            drop_unknown(tag.place, LABELS, audit)
        elif stretch is None:
            audit.dropped(tag.place, ENTITIES, label, "the offsets do not give the words of the element")
        else:
            mentions.append(Mention(*stretch, label, tag.place))
    return mentions
