"""Damage of all kinds: a conversion ends with coded errors only, and in report mode each damage leaves its trace."""

import random

import pytest
from archives import docx, zipped
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from restricted_files import RESTRICTED

from spacy_medmtl.corpora.reader import readers
from spacy_medmtl.errors import MedmtlError

IMCS21 = "".join(
    f'{{"id": "{name}", "turns": [{{"speaker": "医生", "text": "有红斑吗", "act": "Request-Symptom", "ner": '
    '[[1, 3, "Symptom"]], "symptoms": [[1, 3, "x", "2"]]}, {"speaker": "患者", "text": "没\\u6709' + name + '", '
    '"act": "Inform-Symptom", "ner": null, "symptoms": null}]}\n'
    for name in ("d0", "d20")  # of one group
)
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
    "kuake_qic": '[\n{"id": "1", "query": "红斑吗", "label": "其他"},\n'
    '{"id": "2", "query": "\\u6ca1", "label": "病因分析"}\n]\n',
    "chip_sts": '[{"text1": "红斑吗", "text2": "有 红斑", "label": "1"},\n'
    '{"text1": "红斑吗", "text2": "麻", "label": "0"}]',
    "cmeee": '[{"text": "有红斑。没麻", "entities": [{"start_idx": 1, "end_idx": 2, "type": "sym", "entity": "红斑"},\n'
    '{"start_idx": 5, "end_idx": 6, "type": "dis", "entity": "麻"}]},\n{"text": "\\u6ca1", "entities": []}]\n',
    "imcs21_da": "医生：有红斑吗\t13\n患者：没有\t14\n患者：谢谢\t15\n",
    **dict.fromkeys(("imcs21_ner", "imcs21_qa", "imcs21_status"), IMCS21),
    "ddi2013": '<document id="a">\n<sentence id="a.0" text="Foo and bar &amp; co.">\n'
    '<entity id="e0" charOffset="0-2" type="drug" text="Foo"/>\n'
    '<entity id="e1" charOffset="8-10;14-15" type="group" text="bar co"/>\n'
    '<pair id="p0" e1="e0" e2="e1" ddi="true" type="int"/>\n</sentence>\n<sentence id="a.1" text=""/>\n</document>\n',
    "chemprot": '{"text": "<< Foo >> stops [[ bar ]].", "label": "INHIBITOR"}\n'
    '{"text": "<< Foo >> >> [[ [[b]] ]] \\u00e9.", "label": "AGONIST"}\n',
    "ade": "7|Foo and bar gave gout.|gout|117|121|Foo|100|103\n7|Foo and bar gave gout.|gout|117|121|bar|108|111\n",
    "quaero": zipped(
        {"a.txt": "Foo é bar.\n", "a.ann": "T1\tCHEM 0 3;6 9\tFoo bar\n#1\tx\n", "b.txt": "Non.", "b.ann": ""}
    ),
    "biosses": docx([["", "S1", "S2"], ["1", "Foo.", "Bar."]], [["No", *"ABCDE"], ["1", *"01234"]]),
    "mqp": '1,Is it flu?,"Flu, is it?",1\n1,Is it flu?,"What\nis flu?",0\n',
    "covid_q": 'Is it flu?,Symptoms\n"Does it, or not?",Origin\n',
    "mts_dialog": "ID,section_header,section_text,dialogue\n"
    '0,ROS,Foo.,"Doctor: Bar?\nPatient: No."\n1,CC,Foo.,Doctor: Yes.\n',
    "negex": "1\tgout\tHas GOUT now.\tNegated\tRecent\tPatient\n2\tflu\tNo FLU.\tAffirmed\tHistorical\tOther\n",
    **RESTRICTED,
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
    "medcat": '{"projects": [{"documents": [{"text": "Foo ague.", "annotations": [\n'
    '{"id": 1, "start": 0, "end": 3, "value": "Foo", "cui": "C1", "validated": true, '
    '"meta_anns": {"Presence": {"name": "Presence", "value": "False", "validated": true}}},\n'
    '{"id": 2, "start": 4, "end": 8, "value": "ague", "cui": "C2", "validated": true, "meta_anns": {}}]}]}]}\n',
    "healthsea": '{"text": "I have had <CONDITION> for years", "accept": ["ANAMNESIS"], "answer": "accept"}\n'
    '{"text": "it gave me <CONDITION>", "accept": ["NEGATIVE"], "answer": "accept"}\n',
    "nubes": zipped(
        {
            "N/a.txt": "Sin otitis. Fiebre é.\n",
            "N/a.ann": "T1\tNegLexMarker 0 3\tSin\nT2\tDISO 4 10\totitis\nR1\tScope Arg1:T1 Arg2:T2\n",
        }
    ),
    "csv_sentences": 'text,label\nFoo ague.,ask\n"One,\ntwo ""lines"".",tell\n',
    "csv_pairs": "text1;text2;label\nFoo.;Bar.;of\nOne.;Two.;none\n",
    "csv_scores": "score\ttext1\ttext2\n1.5\tFoo.\tBar.\n-2e1\tOne.\tTwo.\n",
}
JUNK = [b"\xff", b"\x00", b"\n", b"\t", b"|", b"[", b"]", b"<", b">", b"&", b"^", "\u241e\u2028é".encode(), b"\r", b" "]


def encoded(text: str) -> bytes:
    return text.encode(errors="surrogatepass")


def n_lines(content: bytes) -> int:
    """Carriage returns end the lines of a file without line feeds."""
    return (content.count(b"\n") or content.count(b"\r")) + 1


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


@pytest.mark.parametrize("name", sorted(readers()))
def test_damage_never_ends_in_another_exception(name, run, write):
    draw = random.Random(name)
    valid = VALID[name] if isinstance(VALID[name], dict) else {"damaged.txt": VALID[name]}
    for _ in range(400):
        files = {file: write(file, content) for file, content in valid.items()}
        chosen = draw.choice(list(valid))
        whole = valid[chosen]
        content = (whole if isinstance(whole, bytes) else whole.encode()) * draw.randint(1, 2)
        for _ in range(draw.randint(1, 4)):
            content = damage(content, draw) or b"\n"
        write(chosen, content)
        path = next(iter(files.values()))
        docs, audit = run(name, path)
        for doc in docs:
            assert doc.spans or doc.cats, content
            assert doc.has_annotation("SENT_START"), content
        lines = max(n_lines(file.read_bytes()) for file in files.values())
        assert all(1 <= change.line <= lines for change in audit.changes), content
        lost = [change for change in audit.changes if change.outcome == "dropped"]
        if lost:
            with pytest.raises(MedmtlError, match="E401"):
                run(name, path, on_error="stop")
        else:
            run(name, path, on_error="stop")


@pytest.mark.parametrize("name", sorted(readers()))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(min_size=1, max_size=200) | st.text(min_size=1, max_size=200).map(encoded))
def test_any_bytes_end_in_docs_or_losses_or_are_no_text(name, run, write, content):
    try:
        docs, audit = run(name, write("any.txt", content))
    except MedmtlError as error:  # the first bytes are those of an archive or a PDF
        if error.code != "E402":
            raise
        return
    assert all(doc.spans for doc in docs)
    assert all(1 <= change.line <= n_lines(content) for change in audit.changes)


def test_many_broken_records_take_no_longer_than_many_good_ones(run, write):
    docs, audit = run("rqe", write("a.xml", "<R>\n" + "<pair><chq>a</chq>\n" * 20_000 + "</R>"))
    assert docs == []
    assert len(audit.changes) == 20_000
