"""Whether the words of a file can be a copy of what stands at its offsets, and how its offsets count."""

import pytest

from spacy_medmtl.corpora.audit import Audit
from spacy_medmtl.corpora.formats.words import agree, located


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ("dull  ache\r\nat night", "dull ache at night"),
        ("dull ache\nat night", "dull ache\\nat night"),  # an escaped line end
        ("upper arm", "upper [...] arm"),
        ("upper arm", "upper ... arm"),
        ("Dull Ache", "dull ache"),
        ("BMI < 20", "BMI &lt; 20"),
        ("7 mcg", "7 mcg"),
        ("7  g/l", "7 µg/l"),  # the text was made ASCII: a blank,
        ("7 ?g/l", "7 µg/l"),  # a question mark,
        ("naive", "naïve"),  # the letter without its accent
        ("na ve", "naïve"),
        ("patient's", "patient’s"),
        ("ﬁbrosis", "fibrosis"),
        ("naïve", "na?ve"),  # the words were made ASCII
        ("fe\u200bver", "fever"),
        ("ull\u00adage", "ullage"),  # a soft hyphen, left out
        ("ull\u00adage", "ull-age"),
    ],
)
def test_copies(found, words):
    assert agree(found, words)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ("ull ache", "dull ache"),
        ("ache", "aches"),
        ("", "ache"),
        ("ache", ""),
        ("麻", "痛"),
        ("  ", "痛"),
        ("left", "right"),
    ],
)
def test_other_words(found, words):
    assert not agree(found, words)


TEXT = "Vu:\r\né 🦴 mal\r\nà la tête."
AT = TEXT.index("mal"), TEXT.index("tête")


@pytest.mark.parametrize(
    ("counted", "name", "has_mark"),
    [
        (lambda at: at, "", False),
        (lambda at: at - TEXT.count("\r", 0, at), "a line end as one character", False),
        (lambda at: at + (at > TEXT.index("🦴")), "UTF-16 units", False),
        (lambda at: len(TEXT[:at].encode()), "UTF-8 bytes", False),
        (lambda at: at + 1, "a byte order mark", True),
    ],
)
def test_ways_to_count(counted, name, has_mark):
    audit = Audit()
    given = [([(counted(AT[0]), counted(AT[0] + 3))], "mal"), ([(counted(AT[1]), counted(AT[1] + 4))], "tête")]
    found = located(TEXT, given, audit, has_mark=has_mark)
    assert found == [((AT[0], AT[0] + 3),), ((AT[1], AT[1] + 4),)]
    expected = {f"mentions whose offsets count {name}, converted": 2} if name else {}
    assert dict(+audit.notes) == expected


def test_a_wrong_mention_does_not_change_how_the_others_count():
    found = located("a\r\nb c", [([(3, 4)], "b"), ([(5, 6)], "c"), ([(4, 5)], "x"), ([(5, 99)], "c")], Audit())
    assert found == [((3, 4),), ((5, 6),), None, None]


def test_stretches_in_any_order():
    text = "ache of the left ear"
    assert located(text, [([(17, 20), (0, 4)], "ear ache"), ([(0, 4), (2, 6)], "ache")], Audit()) == [
        ((0, 4), (17, 20)),
        None,
    ]
