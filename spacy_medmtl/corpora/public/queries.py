"""Questions with what they are about: COVID-Q (English), KUAKE-QIC (Chinese). Each text is one unit."""

from collections.abc import Iterator
from pathlib import Path

from ...annotations.groups import INTENTS
from ..audit import Audit
from ..formats.csv_rows import read_csv
from ..formats.json_files import read_json
from ..formats.json_values import has_types
from ..reader import Reader
from ..record import EXACT, Record
from ..scheme import Scheme

COVID_Q_LABELS = (
    *("Comparison", "Economic Effects", "Having COVID", "Individual Response", "Nomenclature", "Origin", "Prevention"),
    *("Reporting", "Societal Effects", "Societal Response", "Speculation", "Symptoms", "Testing", "Transmission"),
    "Treatment",
)
# treatment, other, diagnosis, precautions, what a disease is like, where to be treated, what a drug or food does,
# consequences, costs, causes, what a measured value means
KUAKE_QIC_LABELS = (
    *("治疗方案", "其他", "病情诊断", "注意事项", "疾病表述", "就医建议", "功效作用", "后果表述", "医疗费用"),
    *("病因分析", "指标解读"),
)


def read_covid_q(path: Path, audit: Audit) -> Iterator[Record]:
    """CSV without a header, ``question,label``. A malformed row is a loss (MedmtlError E401 in stop mode)."""
    for place, (question, label) in read_csv(path, 2, audit):
        if label not in COVID_Q_LABELS:
            audit.dropped(place, INTENTS, "", f"an unknown label: expected one of {', '.join(COVID_Q_LABELS)}")
        else:
            key = " ".join(question.casefold().split())
            yield Record(question, place, classes=[label], sentences=EXACT, key=key)


def read_kuake_qic(path: Path, audit: Audit) -> Iterator[Record]:
    """A JSON list of ``{id, query, label}``. A malformed element is a loss (MedmtlError E401 in stop mode)."""
    for place, row in read_json(path, audit):
        if not has_types(row, {"query": str, "label": str}):
            audit.dropped(place, "document", "", "expected a JSON object with id, query (not empty, UTF-8) and label")
        elif row["label"] not in KUAKE_QIC_LABELS:
            expected = ", ".join(KUAKE_QIC_LABELS)
            audit.dropped(place, "document", "", f"an unknown label: expected one of {expected}")
        else:
            key = " ".join(row["query"].split())
            yield Record(row["query"], place, classes=[row["label"]], sentences=EXACT, key=key)


COVID_Q = Reader(read_covid_q, Scheme(classes=COVID_Q_LABELS))
KUAKE_QIC = Reader(read_kuake_qic, Scheme(classes=KUAKE_QIC_LABELS))
