"""The converters on the real files, against the counts that the corpora state. Skipped where the files are absent."""

import json
import zipfile
from collections import Counter
from pathlib import Path

import pytest

from spacy_medmtl.annotations.groups import ENTITIES, FINDINGS, INTENTS, RELATIONS, TURNS
from spacy_medmtl.corpora.audit import DROPPED, EXPANDED, MERGED
from spacy_medmtl.corpora.run import Job, convert_corpus

CORPORA = Path(__file__).parents[3] / "shared" / "corpora"
pytestmark = [
    pytest.mark.corpora,
    pytest.mark.slow,
    pytest.mark.skipif(not CORPORA.is_dir(), reason=f"the public corpora are not in {CORPORA}"),
]


def convert(name, file, tmp_path, **options):
    output = tmp_path / "x.spacy"
    audit = convert_corpus(Job(name, [CORPORA / file], output, **options))
    return audit, audit.outputs[str(output)]


@pytest.mark.parametrize(
    ("part", "chemicals", "diseases", "relations"), [("Training", 5203, 4182, 1038), ("Development", 5347, 4244, 1012)]
)
def test_bc5cdr(tmp_path, part, chemicals, diseases, relations):
    audit, counts = convert("pubtator", f"bc5cdr/CDR_{part}Set.PubTator.txt", tmp_path)
    merged = audit.tally(MERGED)
    assert counts.documents == 500
    for label, stated in (("Chemical", chemicals), ("Disease", diseases)):
        assert counts.spans[ENTITIES][label] + merged[ENTITIES, label] == stated
    assert audit.notes["relation lines not used"] == relations


@pytest.mark.parametrize(("file", "pairs", "lost"), [("train_8588.xml", 8588, 1), ("dev_230.xml", 230, 0)])
def test_rqe(tmp_path, file, pairs, lost):
    audit, counts = convert("rqe", f"rqe/{file}", tmp_path, on_error="report")
    assert counts.documents + lost == pairs
    assert sum(audit.tally(DROPPED).values()) == lost  # one question of the training part is empty


@pytest.mark.parametrize(("part", "abstracts", "sentences"), [("train", 720, 6979), ("dev", 80, 801)])
def test_piboso(tmp_path, part, abstracts, sentences):
    audit, counts = convert("piboso", f"piboso/{part}.txt", tmp_path)
    assert (counts.documents, counts.sentences) == (abstracts, sentences)
    assert sum(counts.spans[INTENTS].values()) == sentences
    assert not audit.changes


def test_negex(tmp_path):
    audit, train = convert("negex", "negex/train.tsv", tmp_path, on_error="report", dev_share=0.2)
    written = sum(sum(counts.spans[FINDINGS].values()) for counts in audit.outputs.values())
    assert written + sum(audit.tally(DROPPED).values()) == 1407
    assert sum(audit.tally(DROPPED).values()) == 7  # conditions that run over the end of the sentence
    assert 0.1 < 1 - train.documents / written < 0.3


@pytest.mark.parametrize("share", [None, 0.2])
def test_e3c(tmp_path, share):
    audit, _ = convert("e3c", "e3c/English", tmp_path, on_error="report", dev_share=share)
    counts = audit.outputs.values()
    written = sum((one.spans[FINDINGS] for one in counts), Counter())
    files = [file.read_text() for file in sorted((CORPORA / "e3c" / "English").glob("*.xml"))]
    assert sum(one.documents for one in counts) == len(files) == 36
    assert sum(one.sentences for one in counts) == sum(file.count(":Sentence ") for file in files)
    assert written == {"Finding/positive": 292, "Finding/negative": 56, "Finding/unknown": 22}
    assert (written.total(), audit.tally(MERGED).total(), audit.tally(DROPPED).total()) == (370, 1, 92)
    assert sum(file.count("<custom:CLINENTITY ") for file in files) == 370 + 1 + 92
    assert not audit.tally(EXPANDED)


def test_chip_mdcfnpc(tmp_path):
    file = "chip_mdcfnpc/train.jsonl"
    audit, counts = convert("chip_mdcfnpc", file, tmp_path, on_error="report", lang="zh")
    rows = [json.loads(line) for line in (CORPORA / file).read_text().splitlines()]
    stated = Counter(entity["attr"] for row in rows for one in row["dialog_info"] for entity in one["ner"])
    assert counts.documents == len(rows) == 489
    assert counts.sentences == sum(len(row["dialog_info"]) for row in rows) == 15490
    assert stated == {"阳性": 5937, "不标注": 1820, "阴性": 1185, "其他": 491, "": 2}
    # two without a status, three with two of which the first counts, one twice
    assert counts.spans[FINDINGS] == {"Finding/positive": 5936, "Finding/negative": 1184, "Finding/unknown": 2309}
    assert sum(audit.tally(DROPPED).values()) == 2 + 3
    assert sum(audit.tally(MERGED).values()) == 1
    assert not audit.tally(EXPANDED)


GENE = "Gene_or_protein"


@pytest.mark.parametrize(
    ("name", "folder", "part", "sentences", "stated"),
    [
        ("bc2gm", "BC2GM-IOB", "train", 12574, {GENE: 15197}),
        ("bc2gm", "BC2GM-IOB", "devel", 2519, {GENE: 3061}),
        ("bc5cdr_iob", "BC5CDR-IOB", "train", 4560, {"Chemical": 5203, "Disease": 4182}),
        ("bc5cdr_iob", "BC5CDR-IOB", "devel", 4581, {"Chemical": 5347, "Disease": 4246}),
        ("ncbi_disease_iob", "NCBI-disease-IOB", "train", 5424, {"Disease": 5134}),
        ("ncbi_disease_iob", "NCBI-disease-IOB", "devel", 923, {"Disease": 787}),
        ("linnaeus", "linnaeus-IOB", "train", 11935, {"Species": 2119}),
        ("linnaeus", "linnaeus-IOB", "devel", 4078, {"Species": 711}),
    ],
)
def test_iob(tmp_path, name, folder, part, sentences, stated):
    """Sentences as stated; the mentions are the file's B- tags, which is every mention, as no I- stands without one."""
    file = f"mtl_bionlp/{folder}/{part}.tsv"
    audit, counts = convert(name, file, tmp_path)
    assert counts.documents == counts.sentences == sentences
    assert dict(counts.spans[ENTITIES]) == stated
    assert (CORPORA / file).read_text().count("\tB-") == sum(stated.values())
    assert not audit.changes
    assert not +audit.notes


def test_jnlpba_dev(tmp_path):
    audit, counts = convert("jnlpba", "jnlpba/devel.tsv", tmp_path)
    assert (counts.documents, counts.sentences) == (200, 1739)
    assert dict(counts.spans[ENTITIES]) == {GENE: 2466, "DNA": 1052, "cell_type": 526, "cell_line": 400, "RNA": 107}
    assert not audit.changes
    assert not +audit.notes


def test_jnlpba_train(tmp_path):
    file = "jnlpba/standoff_train.zip"
    audit, counts = convert("jnlpba", file, tmp_path)
    stated = {GENE: 30269, "DNA": 9533, "cell_type": 6718, "cell_line": 3830, "RNA": 951}
    merged = audit.tally(MERGED)
    assert counts.documents == 2000
    assert {label: n + merged[ENTITIES, label] for label, n in counts.spans[ENTITIES].items()} == stated
    _, rest = convert("jnlpba", file, tmp_path, without=[CORPORA / "jnlpba/devel.tsv"])
    assert rest.documents == 1800  # each of the 200 abstracts of the dev part is one of these


@pytest.mark.parametrize(
    ("part", "documents", "sentences", "entities"), [("train", 1602, 15049, 46213), ("dev", 199, 1765, 4714)]
)
def test_genia(tmp_path, part, documents, sentences, entities):
    audit, counts = convert("genia", f"genia/{part}.jsonl", tmp_path)
    lines = (CORPORA / f"genia/{part}.jsonl").read_text().strip().split("\n")
    stated = Counter(label for line in lines for *_, label in json.loads(line)["entities"])
    merged = audit.tally(MERGED)
    assert (counts.documents, counts.sentences) == (documents, sentences)
    assert {label: n + merged[ENTITIES, label] for label, n in counts.spans[ENTITIES].items()} == stated
    assert sum(stated.values()) == entities
    assert sum(audit.tally(EXPANDED).values()) < 0.012 * entities
    assert not audit.tally(DROPPED)


@pytest.mark.parametrize(
    ("part", "documents", "mentions", "again"), [("train", 593, 5145, 1), ("develop", 100, 787, 0)]
)
def test_ncbi_disease(tmp_path, part, documents, mentions, again):
    audit, counts = convert("ncbi_disease", f"ncbi_disease/NCBI{part}set_corpus.txt", tmp_path, on_error="report")
    assert counts.documents == documents
    assert counts.spans[ENTITIES]["Disease"] + audit.tally(MERGED)[ENTITIES, "Disease"] == mentions
    assert not audit.tally(DROPPED)  # the words of one mention of train differ in blanks, its offsets are right
    assert audit.notes["document ids that occur again"] == again


def test_bc5cdr_halves(tmp_path):
    file = "bc5cdr/CDR_TrainingSet.PubTator.txt"
    halves = {}
    for label in ("disease", "chemical"):
        audit, counts = convert(f"bc5cdr_{label}_half", file, tmp_path)
        halves[label] = counts
        assert counts.documents == 250
        assert set(counts.spans[ENTITIES]) == {label.title()}
        assert not audit.tally(DROPPED)
    assert halves["disease"].spans[ENTITIES]["Disease"] < 4182
    assert halves["chemical"].spans[ENTITIES]["Chemical"] < 5203


def sizes(counts, key):
    return sum(counts.spans[key].values())


def test_kuake_qic(tmp_path):
    file = "kuake_qic/train.json"
    audit, counts = convert("kuake_qic", file, tmp_path, lang="zh")
    stated = Counter(row["label"] for row in json.loads((CORPORA / file).read_text()))
    assert counts.documents == counts.sentences == 6931
    assert counts.spans[INTENTS] == stated
    assert len(stated) == 11
    assert not audit.changes


def test_chip_sts(tmp_path):
    audit, counts = convert("chip_sts", "chip_sts/train.json", tmp_path, lang="zh")
    assert counts.documents == 16000
    assert counts.spans[RELATIONS] == {"same_question": 8011, "(none)": 7989}
    assert not audit.changes


def test_cmeee(tmp_path):
    file = "cmeee_v2/train.json"
    audit, counts = convert("cmeee", file, tmp_path, lang="zh")
    stated = Counter(one["type"] for row in json.loads((CORPORA / file).read_text()) for one in row["entities"])
    assert counts.documents == 3976
    assert counts.spans[ENTITIES] == stated
    assert (len(stated), sizes(counts, ENTITIES)) == (9, 20505)
    assert audit.notes["entities whose end is exclusive"] == 0
    assert not audit.changes


def test_imcs21_da(tmp_path):
    audit, counts = convert("imcs21_da", "imcs21/da_dev.txt", tmp_path, lang="zh")
    assert counts.sentences == sizes(counts, INTENTS) == 33267
    assert len(counts.spans[INTENTS]) == 16
    assert not audit.changes
    audit, counts = convert("imcs21_da", "imcs21/aligned_dev.jsonl", tmp_path, lang="zh")
    assert (counts.documents, counts.sentences, sizes(counts, INTENTS)) == (407, 17206, 17206)
    assert not audit.changes


def test_imcs21_ner(tmp_path):
    audit, counts = convert("imcs21_ner", "imcs21/ner_dev", tmp_path, lang="zh")
    assert (counts.sentences, sizes(counts, ENTITIES)) == (33267, 22409)
    assert len(counts.spans[ENTITIES]) == 5
    assert not audit.changes
    audit, counts = convert("imcs21_ner", "imcs21/aligned_dev.jsonl", tmp_path, lang="zh")
    assert (counts.documents, sizes(counts, ENTITIES)) == (407, 11120)
    assert not audit.changes


def test_imcs21_status(tmp_path):
    audit, counts = convert("imcs21_status", "imcs21/aligned_dev.jsonl", tmp_path, lang="zh")
    assert (counts.documents, counts.sentences, sizes(counts, FINDINGS)) == (407, 17206, 5935)
    assert counts.spans[FINDINGS] == {"Finding/positive": 3733, "Finding/negative": 710, "Finding/unknown": 1492}
    assert not audit.changes


def test_imcs21_qa(tmp_path):
    audit, counts = convert("imcs21_qa", "imcs21/aligned_dev.jsonl", tmp_path, lang="zh")
    assert counts.spans[RELATIONS] == {"answers": 1685, "(none)": 1685}
    assert not audit.changes


def test_ddi2013(tmp_path):
    file = "ddi2013/train.zip"
    audit, counts = convert("ddi2013", file, tmp_path, on_error="report")
    with zipfile.ZipFile(CORPORA / file) as archive:
        text = b"".join(map(archive.read, archive.namelist())).decode()
    merged, lost = audit.tally(MERGED), audit.tally(DROPPED)
    assert counts.documents == 714
    kinds = {kind: sum(n for (key, _), n in merged.items() if key == kind) for kind in (ENTITIES, RELATIONS)}
    losses = {kind: sum(n for (key, _), n in lost.items() if key == kind) for kind in (ENTITIES, RELATIONS)}
    assert sizes(counts, RELATIONS) + kinds[RELATIONS] + losses[RELATIONS] == text.count("<pair ") == 27792
    assert sizes(counts, ENTITIES) + kinds[ENTITIES] + losses[ENTITIES] == text.count("<entity ") == 14765
    assert text.count('ddi="true"') == 4021
    reasons = Counter(change.reason.split(":")[0] for change in audit.changes if change.outcome == DROPPED)
    # spaCy's tokenizer keeps some neighbouring names in one token: their pairs cannot be told apart
    assert reasons == {
        "an interaction without a known type": 1,
        "the offsets do not give the words of the entity": 1,  # a discontinuous one, off by one character
        "an entity of the pair is lost or missing": 4,  # its pairs
        "the two entities are not two spans of tokens": 113,
    }
    true = Counter({label: n for label, n in counts.spans[RELATIONS].items() if label != "(none)"})
    for (kind, label), n in (merged + lost).items():
        true += Counter({label: n}) if kind == RELATIONS and label else Counter()
    assert sum(true.values()) <= 4020
    assert sum(true.values()) >= 4020 - 4


@pytest.mark.parametrize(("part", "rows", "lines"), [("train", 4169, 40), ("dev", 2427, 22)])
def test_chemprot(tmp_path, part, rows, lines):
    audit, counts = convert("chemprot", f"chemprot/{part}.jsonl", tmp_path)
    relations = sum(n * len(labels.split("+")) for labels, n in counts.spans[RELATIONS].items())
    merged = sum(n for (key, _), n in audit.tally(MERGED).items() if key == RELATIONS)
    assert relations + merged == rows
    assert sizes(counts, RELATIONS) == rows - lines  # rows of the same two entities: another relation, or again
    assert not audit.tally(DROPPED)


def test_ade(tmp_path):
    audit, counts = convert("ade", "ade/DRUG-AE.rel", tmp_path)
    rows = [line.split("|") for line in (CORPORA / "ade/DRUG-AE.rel").read_text().splitlines()]
    assert counts.documents == len({(row[0], row[1]) for row in rows}) == 4272
    assert len({row[1] for row in rows}) == 4271  # one sentence stands in two abstracts
    merged = audit.tally(MERGED)
    assert counts.spans[RELATIONS]["causes"] + merged[RELATIONS, "causes"] == len(rows) == 6821
    assert counts.spans[ENTITIES]["Drug"] + merged[ENTITIES, "Drug"] == 5063
    assert counts.spans[ENTITIES]["Adverse-Effect"] == 5776
    assert not audit.tally(DROPPED)


@pytest.mark.parametrize(("part", "emea", "medline"), [("train", 2695, 2994), ("dev", 2260, 2977)])
def test_quaero(tmp_path, part, emea, medline):
    audit, counts = convert("quaero", f"quaero/{part}.zip", tmp_path, lang="fr")
    assert counts.documents == 844
    assert sizes(counts, ENTITIES) + sum(audit.tally(MERGED).values()) == emea + medline
    assert len(counts.spans[ENTITIES]) == 10
    assert not audit.tally(DROPPED)


def test_mqp(tmp_path):
    audit, counts = convert("mqp", "mqp/train.csv", tmp_path)
    assert counts.documents == 2430
    assert counts.spans[RELATIONS] == {"same_question": 1215, "(none)": 1215}
    assert not audit.changes


def test_biosses(tmp_path):
    files = [CORPORA / "biosses" / name for name in ("Annotation-Pairs.docx", "Annotator-Scores.docx")]
    output = tmp_path / "x.spacy"
    audit = convert_corpus(Job("biosses", files, output))
    assert audit.outputs[str(output)].spans[RELATIONS] == {"similarity": 100}
    assert not audit.changes


@pytest.mark.parametrize(("file", "rows", "lost"), [("train20.csv", 300, 0), ("testB.csv", 238, 1)])
def test_covid_q(tmp_path, file, rows, lost):
    audit, counts = convert("covid_q", f"covid_q/{file}", tmp_path, on_error="report")
    assert counts.documents + lost == rows
    assert sum(audit.tally(DROPPED).values()) == lost  # a question that is empty
    assert len(counts.spans[INTENTS]) == 15


@pytest.mark.parametrize(("part", "dialogues"), [("Training", 1201), ("Validation", 100)])
def test_mts_dialog(tmp_path, part, dialogues):
    audit, counts = convert("mts_dialog", f"mts_dialog/{part}Set.csv", tmp_path)
    assert counts.documents == dialogues
    sections = {note: n for note, n in audit.notes.items() if note.startswith("documents of the class")}
    assert (len(sections), sum(sections.values())) == (20, dialogues)
    assert sizes(counts, TURNS) > 8 * dialogues
    assert not audit.changes
