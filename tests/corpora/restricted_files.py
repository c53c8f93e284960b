"""Whole, valid inputs of the corpora that are not here, file by file, the input first. All texts are invented."""

_NOTE = "A clerk had red ears and cold feet.\nNo cough after salve 5 mg daily.\n"
_PHI_TEXT = "\nRecord of Ann Oak, 1999.\nNo cough.\n"


def tag(name: str, words: str, content: str, **attributes: str) -> str:
    """An element for the first place of the words."""
    start = content.index(words)
    found = {"start": str(start), "end": str(start + len(words)), "text": words.replace("&", "&amp;"), **attributes}
    return f"<{name} " + " ".join(f'{key}="{value}"' for key, value in found.items()) + " />\n"


def tagged(text: str, *tags: str, root: str = "deIdi2b2") -> str:
    """A file of i2b2 with a text and its tags."""
    body = f"<{root}>\n<TEXT><![CDATA[{text}]]></TEXT>\n<TAGS>\n{''.join(tags)}</TAGS>\n</{root}>\n"
    return f'<?xml version="1.0" encoding="UTF-8" ?>\n{body}'


RESTRICTED: dict[str, dict[str, str]] = {
    "i2b2_2010": {
        "damaged.txt": "A clerk has red ears , é .\nThe salve helps cold feet and a CT shows mites .\n",
        "damaged.con": 'c="red ears" 1:3 1:4||t="problem"\nc="the salve" 2:0 2:1||t="treatment"\n'
        'c="cold feet" 2:3 2:4||t="problem"\nc="a ct" 2:6 2:7||t="test"\nc="mites" 2:9 2:9||t="problem"\n',
        "damaged.ast": 'c="red ears" 1:3 1:4||t="problem"||a="absent"\n'
        'c="cold feet" 2:3 2:4||t="problem"||a="present"\nc="mites" 2:9 2:9||t="problem"||a="possible"\n',
        "damaged.rel": 'c="the salve" 2:0 2:1||r="TrIP"||c="cold feet" 2:3 2:4\n'
        'c="a ct" 2:6 2:7||r="TeRP"||c="mites" 2:9 2:9\n',
    },
    "i2b2_2012": {
        "damaged.xml": tagged(
            _PHI_TEXT,
            tag("EVENT", "cough", _PHI_TEXT, id="E0", modality="FACTUAL", polarity="NEG", type="PROBLEM"),
            tag("EVENT", "Record", _PHI_TEXT, id="E1", modality="FACTUAL", polarity="POS", type="OCCURRENCE"),
            tag("TIMEX3", "1999", _PHI_TEXT, id="T0", type="DATE", val="1999", mod="NA"),
            '<TLINK id="TL0" fromID="E0" fromText="cough" toID="T0" toText="1999" type="OVERLAP" />\n',
            root="ClinicalNarrativeTemporalAnnotation",
        ),
    },
    "i2b2_2014": {
        "7-01.xml": tagged(
            _PHI_TEXT,
            tag("NAME", "Ann Oak", _PHI_TEXT, id="P0", TYPE="PATIENT", comment=""),
            tag("DATE", "1999", _PHI_TEXT, id="P1", TYPE="DATE", comment=""),
        ),
    },
    "n2c2_2018": {
        "damaged.txt": _NOTE,
        "damaged.ann": "T1\tDrug 51 56\tsalve\nT2\tStrength 57 61\t5 mg\nT3\tReason 12 20\tred ears\n"
        "T4\tADE 12 15;25 34\tred cold feet\nR1\tStrength-Drug Arg1:T2 Arg2:T1\nR2\tReason-Drug Arg1:T3 Arg2:T1\n",
    },
    "n2c2_2019_sts": {"damaged.txt": "A foot hurts.\tFeet é hurt.\t3.5\nNo cough.\tRest.\t0\n"},
    "mednli": {
        "damaged.jsonl": '{"sentence1": "No \\u00e9 cough.", "sentence2": "A cough.", "gold_label": "contradiction"}\n'
        '{"sentence1": "Ache.", "sentence2": "Pain.", "gold_label": "neutral", "pairID": "7"}\n'
    },
    "share_clef_2013": {
        "damaged.txt": _NOTE,
        "damaged.pipe": "damaged.txt||Disease_Disorder||C0000001||12||20\n"
        "damaged.txt||Disease_Disorder||CUI-less||12||15||25||34\n",
    },
    "share_clef_2014": {
        "damaged.txt": _NOTE,
        "damaged.pipe": "damaged.txt|12-15,25-34|C0000001|*no|*NULL|patient|*NULL|*no|*NULL|*unmarked|*NULL|*unmarked|"
        "*NULL|*false|*NULL|*false|*NULL|C1|*NULL\n"
        "damaged.txt|39-44|CUI-less|yes|36-38|other|*NULL|no|*NULL|unmarked|*NULL|unmarked|*NULL|false|*NULL|false|*NULL|"
        "NULL|*NULL|Overlap|None|*NULL\n",
    },
    "chemprot_tsv": {
        "a_abstracts.tsv": "7\tFoo stops bar.\tThe é foo.\n8\tNothing.\tBaz and qux bind.\n",
        "a_entities.tsv": "7\tT1\tCHEMICAL\t0\t3\tFoo\n7\tT2\tGENE-Y\t10\t13\tbar\n8\tT1\tCHEMICAL\t9\t12\tBaz\n"
        "8\tT2\tGENE-N\t17\t20\tqux\n",
        "a_gold_standard.tsv": "7\tCPR:4\tArg1:T1\tArg2:T2\n",
        "a_relations.tsv": "7\tCPR:4\tY \tINHIBITOR\tArg1:T1\tArg2:T2\n8\tCPR:2\tN\tBINDS\tArg1:T1\tArg2:T2\n",
    },
    "chemdner": {
        "a.abstracts.txt": "7\tFoo stops bar.\tThe é foo.\n8\tNothing.\tBaz binds.\n",
        "a.annotations.txt": "7\tT\t0\t3\tFoo\tTRIVIAL\n7\tA\t6\t9\tfoo\tNO CLASS\n8\tA\t0\t3\tBaz\tFAMILY\n",
    },
    "bc4chemd": {"damaged.tsv": "Foo\tB-Chemical\nbar\tI-Chemical\n.\tO\n\nBar\tB-Chemical\n\n"},
    "conll2003": {
        "damaged.txt": "-DOCSTART- -X- -X- O\n\nAnn NNP I-NP I-PER\nOak NNP I-NP I-PER\nBob NNP I-NP B-PER\n. . O O\n\n"
        "Rome NNP I-NP I-LOC\n\n-DOCSTART- -X- O O\n\nRest VB I-VP O\n"
    },
}
