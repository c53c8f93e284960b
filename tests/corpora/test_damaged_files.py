"""Damage of all kinds: a conversion ends with coded errors only, and in report mode each damage leaves its trace."""

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spacy_medmtl.corpora.registry import CONVERTERS
from spacy_medmtl.errors import MedmtlError

VALID = {
    "sample": "# doc a-1\nN <ask> Any [[ear|Anatomy] ache|Problem-]?\nP ^<complaint> No.\n# doc a-2\n<plan> Rest.\n",
    "pubtator": "7|t|Foo ague.\n7|a|A bar.\n"
    "7\t0\t3\tFoo\tChemical\tD\n7\t4\t8\tague\tDisease\tD|E\ta|b\n7\tCID\tD\tE\n\n",
    "rqe": '<R>\n<pair pid="1" value="true"><chq>Is it?</chq>\n<faq>What &amp; why?</faq></pair>\n</R>\n',
    "piboso": "###1\noutcome\tIt was .\nstudy design\tTwo arms .\n\n###2\nother\tThree .\n",
    **dict.fromkeys(
        ("bc5cdr_disease_half", "bc5cdr_chemical_half"),
        "".join(
            f"{n}|t|Foo ague.\n{n}|a|Bar.\n{n}\t0\t3\tFoo\tChemical\tD\n{n}\t4\t8\tague\tDisease\tE\n\n" for n in (7, 8)
        ),
    ),
    "ncbi_disease": "\n7|t|Foo ague.\n7|a|A pox.\n7\t0\t8\tFoo ague\tModifier\tD\n7\t12\t15\tpox\tDiseaseClass\tE|F\n",
    "bc2gm": "Foo\tB-GENE\nbar\tI-GENE\n.\tO\n\nBar\tB-GENE\n\n",
    "linnaeus": "Foo\tB-Species\nbar\tI-Species\n.\tO\n\nBar\tB-Species\n\n",
    "bc5cdr_iob": "Foo B-Disease\nbar I-Disease\n. O\n\nBar S-Chemical\n\n",
    "ncbi_disease_iob": "Foo\tI-Disease\nbar\tI-Disease\n.\tO\n\nBar\tB-Disease\n\n",
    "jnlpba": "-DOCSTART-\tO\n\nFoo\tB-DNA\nbar\tI-DNA\n\n.\tO\n-DOCSTART-\tO\n\nBar\tB-protein\n\n",
    "genia": '{"doc": "M:1", "sent": 0, "text": "Foo bar.", "entities": [[0, 7, "DNA"], [0, 3, "protein"]]}\n'
    '{"doc": "M:1", "sent": 1, "text": "It \\u00e9.", "entities": []}\n',
    "e3c": '<x:XMI xmlns:x="x" xmlns:c="c">\n<c:Sentence begin="0" end="10"/>\n<c:Sentence begin="11" end="19"/>\n'
    '<c:EVENT begin="3" end="8" polarity="NEG" contextualModality="ACTUAL"/>\n<c:CLINENTITY begin="3" end="8"/>\n'
    '<c:Sofa sofaString="No fever .&#10;A \u00e9 &amp; 3."/>\n</x:XMI>\n',
    "chip_mdcfnpc": '{"dialog_info": [{"text": "有红斑吗", "sender": "医生", "ner": [{"mention": "红斑", '
    '"range": [1, 3], "type": "clinical_findings", "attr": "阴性"}]}, '
    '{"text": "没 \\u6709", "sender": "患者", "ner": []}]}\n',
    "negex": "1\tgout\tHas GOUT now.\tNegated\tRecent\tPatient\n2\tflu\tNo FLU.\tAffirmed\tHistorical\tOther\n",
    "brat": "No fever.\n",  # without its annotations; test_brat_converter.py damages both
    "bioc": "<collection>\n<document><id>7</id>\n<passage><offset>4</offset><text>Foo &lt;ague.</text>\n"
    '<annotation id="1"><infon key="type">X</infon><location offset="4" length="3"/><text>Foo</text></annotation>\n'
    '<annotation id="2"><infon key="type">Y</infon><location offset="9" length="4"/><text>ague</text></annotation>\n'
    '<relation id="R"><infon key="type">of</infon><node refid="1" role="a"/><node refid="2" role="b"/></relation>\n'
    "</passage></document>\n</collection>\n",
    "pubtator_any": "7|t|Foo ague.\n7|a|A bar.\n7\t0\t3\tFoo\tX\tD\n7\tCID\tD\tE\n\n",
    "conll": "-DOCSTART- X O\n\n# said\nFoo B-X B-Y\nbar I-X O\n\nIt O O\n",
    "prodigy": '{"text": "Foo ague.", "tokens": [{"text": "Foo", "start": 0}, {"text": "ague.", "start": 4}], '
    '"spans": [{"start": 0, "end": 3, "label": "X", "negated": true}], "relations": [{"head_span": {"start": 0, "end": '
    '3, "label": "X"}, "child_span": {"start": 4, "end": 8}, "label": "of"}], "accept": ["ask"], "answer": "accept"}\n',
    "doccano": '{"text": "Foo ague.", "label": [[0, 3, "X"]]}\n{"text": "Foo ague.", "entities": [{"id": 1, "label": '
    '"X", "start_offset": 0, "end_offset": 3}], "relations": [{"from_id": 1, "to_id": 1, "type": "of"}]}\n',
    "label_studio": '[{"data": {"text": "Foo ague."}, "annotations": [{"result": [\n{"id": "a", "type": "labels", '
    '"value": {"start": 0, "end": 3, "text": "Foo", "labels": ["X"]}},\n'
    '{"type": "relation", "from_id": "a", "to_id": "a", "labels": ["of"]}]}]},\n'
    '{"data": {"text": "A \\u00e9."}, "annotations": [{"result": [{"type": "choices", "value": '
    '{"choices": ["ask"]}}]}]}]\n',
    "csv_sentences": 'text,label\nFoo ague.,ask\n"One,\ntwo ""lines"".",tell\n',
    "csv_pairs": "text1;text2;label\nFoo.;Bar.;of\nOne.;Two.;none\n",
    "csv_scores": "score\ttext1\ttext2\n1.5\tFoo.\tBar.\n-2e1\tOne.\tTwo.\n",
}
JUNK = [b"\xff", b"\x00", b"\n", b"\t", b"|", b"[", b"]", b"<", b">", b"&", b"^", "\u241e\u2028é".encode(), b"\r", b" "]


def encoded(text: str) -> bytes:
    return text.encode(errors="surrogatepass")


def damage(content: bytes, draw: random.Random) -> bytes:
    at = draw.randrange(len(content))
    to = min(len(content), at + draw.randrange(12))
    piece = draw.choice([b"", draw.choice(JUNK), content[:to], content[at:to] * 2, b"99999999999", b"-1", b"NaN"])
    kind = draw.random()
    if kind < 0.05:
        return content.decode(errors="replace").encode(draw.choice(["utf-16", "utf-7", "utf-8-sig"]))
    if kind < 0.1:
        lines = content.splitlines(keepends=True)
        return b"".join(draw.sample(lines, len(lines)))
    return content[:at] + piece + (b"" if draw.random() < 0.1 else content[to:])


@pytest.mark.parametrize("name", sorted(CONVERTERS))
def test_damage_never_ends_in_another_exception(name, run, write):
    draw = random.Random(name)
    for _ in range(400):
        content = VALID[name].encode() * draw.randint(1, 2)
        for _ in range(draw.randint(1, 4)):
            content = damage(content, draw) or b"\n"
        path = write("damaged.txt", content)
        docs, audit = run(name, path)
        for doc in docs:
            assert doc.spans, content
            assert doc.has_annotation("SENT_START"), content
        lines = content.count(b"\n") + 1
        assert all(1 <= change.line <= lines for change in audit.changes), content
        lost = [change for change in audit.changes if change.outcome == "dropped"]
        if lost:
            with pytest.raises(MedmtlError, match="E401"):
                run(name, path, on_error="stop")
        else:
            run(name, path, on_error="stop")


@pytest.mark.parametrize("name", sorted(CONVERTERS))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(min_size=1, max_size=200) | st.text(min_size=1, max_size=200).map(encoded))
def test_any_bytes_end_in_docs_or_losses(name, run, write, content):
    docs, audit = run(name, write("any.txt", content))
    assert all(doc.spans for doc in docs)
    assert all(1 <= change.line <= content.count(b"\n") + 1 for change in audit.changes)


def test_many_broken_records_take_no_longer_than_many_good_ones(run, write):
    docs, audit = run("rqe", write("a.xml", "<R>\n" + "<pair><chq>a</chq>\n" * 20_000 + "</R>"))
    assert docs == []
    assert len(audit.changes) == 20_000
