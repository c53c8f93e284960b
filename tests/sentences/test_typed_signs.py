"""Signs, list marks and semicolons without a blank at their words: tokens and sentences of the text with blanks."""

import pytest
import spacy

from spacy_medmtl.annotations.groups import sentence_bounds

NLP = spacy.blank("en")
NLP.add_pipe("medmtl_sentences")


def tokens(text: str) -> list[str]:
    return [token.text for token in NLP(text)]


def sentences(text: str) -> list[str]:
    doc = NLP(text)
    return [doc[start:end].text.strip() for start, end in sentence_bounds(doc)]


@pytest.mark.parametrize(
    ("typed", "spaced"),
    [
        ("+itch, -burn", "+ itch , - burn"),
        ("--itch \u2212burn", "-- itch \u2212 burn"),
        ("itch(-), burn(+)", "itch ( - ) , burn ( + )"),
        ("itch[\u2212]", "itch [ \u2212 ]"),
        ("itch-, burn++", "itch - , burn ++"),
        ("(-)itch [+]burn", "( - ) itch [ + ] burn"),
        ("[x]itch [X]burn [ ]scar", "[ x ] itch [ X ] burn [ ] scar"),
        ("no itch;no burn;scar", "no itch ; no burn ; scar"),
        ("itch|burn", "itch | burn"),
        ("Pain:7/10;no scar", "Pain:7/10 ; no scar"),
        ("itch->seen itch=>seen itch\u2192seen", "itch -> seen itch => seen itch \u2192 seen"),
        ("\u2191itch \u2193", "\u2191 itch \u2193"),
        ("\u2022itch \u2023burn", "\u2022 itch \u2023 burn"),
        ("1.itch 2)no burn", "1 . itch 2 ) no burn"),
        ("No scar.2. No burn.", "No scar . 2 . No burn ."),
        ("Itch?No!Burn", "Itch ? No ! Burn"),
    ],
)
def test_tokens_are_those_of_the_text_with_blanks(typed: str, spaced: str):
    assert tokens(typed) == spaced.split()


@pytest.mark.parametrize(
    "text",
    ["-2 to +5", "K+ 4", "10-15", "x-ray", "H.pylori", "p.o", "3.2.1", "alpha-1", "www.example.com", "a:b", "2.5mg"],
)
def test_what_is_no_sign_stays_as_it_was(text: str):
    assert tokens(text) == [token.text for token in spacy.blank("en")(text)]


@pytest.mark.parametrize("mark", ["-", "*", "+", "\u2022", "\u2212", "{}.", "{})", "({})", "- ", "{}. "])
def test_long_items_of_a_list_whose_mark_stands_at_the_word(mark: str):
    """As long as wrapped lines, but each begins something new."""
    items = ["2-day itch of both arms and of the neck, worse at night", "today no more itch, but the left arm burns"]
    items[0] = f"{items[0] if mark.strip('-') == '' else 'old'} and no scar to be seen"
    items += ["seen before, years ago, without any burn or scar to be seen"]
    lines = [f"{mark.format(number)}{item}" for number, item in enumerate(items, 1)]
    assert sentences("\n".join(lines)) == lines


def test_a_wrapped_line_may_begin_with_a_number_below_zero():
    text = "The lowest value that was seen in all of these days was\n-2 and the highest of them all, seen today, was 7."
    assert sentences(text) == [text]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("No itch.No burn.Has a scar.", ["No itch.", "No burn.", "Has a scar."]),
        ("Itch?No.BP normal!Well.", ["Itch?", "No.", "BP normal!", "Well."]),
        ("1. No scar.2. No burn.", ["1. No scar.", "2. No burn."]),
        ("Seen by Dr.Moss in St.Anne's with a Ph.D.There", ["Seen by Dr.Moss in St.Anne's with a Ph.D.There"]),
        ("H.pylori, e.g.Fever, p.o.Take", ["H.pylori, e.g.Fever, p.o.Take"]),
        ("neg. for itch. pos. for burn.", ["neg. for itch.", "pos. for burn."]),
        ("bilat. itch, occ. burn. Scar neg. Burn.", ["bilat. itch, occ. burn.", "Scar neg.", "Burn."]),
        ("Poss. PE, prob. UTI, prev. MI.", ["Poss. PE, prob. UTI, prev. MI."]),
    ],
)
def test_sentences_without_a_blank_between_and_abbreviations(text: str, expected: list[str]):
    assert sentences(text) == expected
