"""The parsers of long files hold one record at a time, whatever the length of the file."""

import json
import tracemalloc

import pytest

from spacy_medmtl.corpora.audit import Audit
from spacy_medmtl.corpora.formats.bioc import read as read_bioc
from spacy_medmtl.corpora.formats.csv_rows import read_table
from spacy_medmtl.corpora.formats.json_files import read_json, read_json_lines

TEXT = "No fever, no cough. " * 50
DOCUMENT = {"id": "", "passages": [{"offset": 0, "text": TEXT}]}
XML = f"<document><id/><passage><offset>0</offset><text>{TEXT}</text></passage></document>\n"
FILES = {
    "a.json": (lambda n: json.dumps([DOCUMENT] * n), lambda path: read_json(path, Audit())),
    "b.json": (lambda n: json.dumps({"documents": [DOCUMENT] * n}), lambda path: read_bioc(path, Audit())),
    "a.xml": (lambda n: f"<collection>\n{XML * n}</collection>", lambda path: read_bioc(path, Audit())),
    "a.jsonl": (lambda n: f"{json.dumps(DOCUMENT)}\n" * n, lambda path: read_json_lines(path, Audit())),
    "a.csv": (lambda n: "a,b\n" + f'"{TEXT}",b\n' * n, lambda path: read_table(path, ["a"], "auto", Audit())),
}


@pytest.mark.parametrize("name", FILES)
def test_memory_does_not_grow_with_the_file(write, name):
    content, read = FILES[name]

    def peak(n_records):
        path = write(name, content(n_records))
        tracemalloc.start()
        try:
            assert sum(1 for _ in read(path)) == n_records
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(1)
    # the longer file has 3 MB; the least of three, as what other threads of the process need is counted too
    assert min(peak(3000) for _ in range(3)) < peak(300) + 500_000


@pytest.mark.parametrize("name", FILES)
def test_records_come_before_the_file_ends(write, name):
    content, read = FILES[name]
    whole = content(3000)
    records = read(write(name, whole[: len(whole) // 2]))
    assert next(iter(records)) is not None
