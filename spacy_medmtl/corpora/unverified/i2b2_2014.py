"""i2b2 2014: protected health information in longitudinal records (``tagged_xml``), entities by TYPE.

The element names the category (NAME, LOCATION, ...), TYPE what is marked (PATIENT, CITY, ...). ``220-03.xml`` is the
third record of patient 220; the records of a patient stay together in a split.
"""

from collections.abc import Iterator
from pathlib import Path

from ...annotations.groups import ENTITIES
from ..audit import Audit, Place
from ..reader import Reader
from ..record import Entity, Record
from ..scheme import Scheme
from .tagged_xml import read_tagged

TYPES = (
    *("PATIENT", "DOCTOR", "USERNAME", "PROFESSION", "AGE", "DATE"),
    *("ROOM", "DEPARTMENT", "HOSPITAL", "ORGANIZATION", "STREET", "CITY", "STATE", "COUNTRY", "ZIP", "LOCATION-OTHER"),
    *("PHONE", "FAX", "EMAIL", "URL", "IPADDR"),
    *("SSN", "MEDICALRECORD", "HEALTHPLAN", "ACCOUNT", "LICENSE", "VEHICLE", "DEVICE", "BIOID", "IDNUM", "OTHER"),
)


def read(path: Path, audit: Audit) -> Iterator[Record]:
    """The record of an ``.xml``. Raises MedmtlError E401 at the first loss in stop mode."""
    content = read_tagged(path, audit)
    if content is None:
        return
    entities: list[Entity] = []
    for tag in content.tags:
        label = tag.value("TYPE")
        if label not in TYPES:
            audit.dropped(tag.place, ENTITIES, "", f"an unknown label: expected {' or '.join(TYPES)}")
        elif tag.bounds is None:
            audit.dropped(tag.place, ENTITIES, label, "the offsets do not give the words of the element")
        else:
            entities.append(Entity(label, (tag.bounds,), tag.place))
    yield Record(content.text, Place(path, 1), key=path.stem.partition("-")[0], entities=entities)


READER = Reader(read, Scheme(types={name: name for name in TYPES}), suffixes=(".xml",))
