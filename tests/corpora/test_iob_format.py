"""The reader of IOB files: every tagging scheme, and what happens to a line that is none."""

import tracemalloc

import pytest

from spacy_medmtl.corpora.audit import Audit
from spacy_medmtl.corpora.formats.conll import MAX_WORDS, ORPHANS, ColumnLayout, read_sentences
from spacy_medmtl.errors import MedmtlError


def lines(*tags):
    return "".join(f"w{number}\t{tag}\n" for number, tag in enumerate(tags))


def read(path, on_error="report"):
    audit = Audit(on_error)
    return list(read_sentences(path, audit, ColumnLayout(0, (1,)))), audit


def found(sentence):
    return [(mention.start, mention.end, mention.label) for mention in sentence.mentions]


@pytest.mark.parametrize(
    ("tags", "expected", "orphans"),
    [
        ("O B-A I-A O", [(1, 3, "A")], 0),
        ("B-A I-A", [(0, 2, "A")], 0),  # open at the end
        ("O B-A", [(1, 2, "A")], 0),
        ("B-A B-A I-A", [(0, 1, "A"), (1, 3, "A")], 0),  # right after one another
        ("B-A B-B", [(0, 1, "A"), (1, 2, "B")], 0),
        ("B-A O B-A", [(0, 1, "A"), (2, 3, "A")], 0),
        ("O I-A I-A O", [(1, 3, "A")], 1),  # IOB1
        ("I-A B-A I-A I-B", [(0, 1, "A"), (1, 3, "A"), (3, 4, "B")], 2),
        ("B-A I-B", [(0, 1, "A"), (1, 2, "B")], 1),
        ("S-A S-A B-A E-A O", [(0, 1, "A"), (1, 2, "A"), (2, 4, "A")], 0),  # IOBES
        ("B-A I-A E-A B-A E-A", [(0, 3, "A"), (3, 5, "A")], 0),
        ("E-A I-A", [(0, 1, "A"), (1, 2, "A")], 2),
        ("S-A I-A", [(0, 1, "A"), (1, 2, "A")], 1),
        ("B-cell-line I-cell-line", [(0, 2, "cell-line")], 0),
        ("B-A M-A E-A S-A M-A", [(0, 3, "A"), (3, 4, "A"), (4, 5, "A")], 1),  # BMES
        ("B I O B B", [(0, 2, "Entity"), (3, 4, "Entity"), (4, 5, "Entity")], 0),  # without types
        ("B_A I_A O", [(0, 2, "A")], 0),
        ("O O", [], 0),
    ],
)
@pytest.mark.parametrize("end", ["\n", "", "O\tO\n\n", "\r\n\n\t \n"])
def test_tags(write, tags, expected, orphans, end):
    text = lines(*tags.split())
    if not end.startswith("O"):
        text += end
    (sentence,), audit = read(write("a.tsv", text), on_error="stop")
    assert found(sentence) == expected
    assert audit.notes[ORPHANS] == orphans
    assert len(sentence.words) == len(tags.split())


def test_blanks_that_are_words_and_columns_that_are_empty(write):
    text = "mild\tO\t\n\u00a0\tO\t\npain\tB-A\t\n\n\u2028 O\nache B-A  \n"
    sentences, audit = read(write("a.tsv", text), on_error="stop")
    assert [sentence.words for sentence in sentences] == [["mild", "\u00a0", "pain"], ["\u2028", "ache"]]
    assert not audit.changes


def test_a_mention_ends_with_its_sentence(write):
    sentences, audit = read(write("a.tsv", lines("O", "B-A") + "\n" + lines("I-A")), on_error="stop")
    assert [found(sentence) for sentence in sentences] == [[(1, 2, "A")], [(0, 1, "A")]]
    assert audit.notes[ORPHANS] == 1
    assert [sentence.place.line for sentence in sentences] == [1, 4]
    assert [sentence.mentions[0].place.line for sentence in sentences] == [2, 4]


def test_separators_and_columns(write):
    text = "\ufeffFee B-A\nfi   I-A\n \n\n-DOCSTART- -X- O\n\nfo O\n###MEDLINE:123\nfum\tB-A\nnew  one\tO\r\n\r\n#\tO"
    sentences, audit = read(write("a.tsv", text), on_error="stop")
    assert [sentence.words for sentence in sentences] == [["Fee", "fi"], ["fo"], ["fum", "new  one"], ["#"]]
    assert [sentence.document for sentence in sentences] == [None, 1, 2, 2]
    assert found(sentences[0]) == [(0, 2, "A")]
    assert not audit.changes


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("Secret", "1 columns"),
        ("Secret a O", "3 columns"),
        ("Secret\t\tO", "3 columns"),
        ("\tO", "the word is empty"),
        ("Secret\t", "1 columns"),
        ("Secret\tA", "the tag is neither"),
        ("Secret\tB-", "the tag is neither"),
        ("Secret\tx-A", "the tag is neither"),
        ("Secret\tX-A", "the tag is neither"),
        ("Secret\tx", "the tag is neither"),
        ("Sec\x07ret\tO", "a control character"),
        ("Sec\x85ret\tO", "a control character"),
        ("Secret\tB-\x00", "a control character"),
        ("Sec\rret\tO", "a control character"),
        (b"Sec\xffret\tO", "byte 4 of the line is not UTF-8"),
    ],
)
def test_malformed_line_takes_its_sentence_with_it(write, line, reason):
    line = line if isinstance(line, bytes) else line.encode()
    head, tail = lines("B-A", "I-A").encode(), lines("I-A", "O", "S-B").encode()
    path = write("a.tsv", head + b"\n" + head + line + b"\n" + tail + b"\n" + head)
    with pytest.raises(MedmtlError, match=f"E401.*a.tsv, line 6: .*{reason}") as error:
        read(path, on_error="stop")
    assert "ret" not in str(error.value).replace(str(path), "")
    sentences, audit = read(path)
    assert [sentence.place.line for sentence in sentences] == [1, 11]
    # the line; then its sentence and the mentions there: the one after the line does not go on across it
    lost = [(change.line, change.label) for change in audit.changes]
    assert lost == [(6, ""), (4, ""), (4, "A"), (7, "A"), (9, "B")]
    assert all("ret" not in change.reason for change in audit.changes)


def test_file_without_blank_lines_does_not_become_one_sentence(write):
    path = write("a.tsv", "w\tB-A\n" * (2 * MAX_WORDS + 5) + "\nlast\tO\n")
    with pytest.raises(MedmtlError, match=f"E401.*line {MAX_WORDS + 1}: .*blank line is missing"):
        read(path, on_error="stop")
    sentences, audit = read(path)
    assert [sentence.words for sentence in sentences] == [["last"]]
    assert sum(change.label == "A" for change in audit.changes) == 2 * MAX_WORDS + 5
    whole = write("b.tsv", "w\tB-A\n" * MAX_WORDS + "\n")
    (sentence,), audit = read(whole, on_error="stop")
    assert len(sentence.words) == MAX_WORDS


def test_memory_does_not_grow_with_the_file(write):
    def peak(n_sentences):
        path = write("a.tsv", (lines(*["B-A", "I-A", "O"] * 10) + "\n") * n_sentences)
        audit = Audit("stop")
        tracemalloc.start()
        try:
            assert sum(1 for _ in read_sentences(path, audit, ColumnLayout())) == n_sentences
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(1)
    assert peak(500) < 2 * peak(50)


def test_sentences_come_before_the_file_ends(write):
    path = write("a.tsv", lines("B-A") + "\n" + "broken\n")
    sentences = read_sentences(path, Audit("stop"), ColumnLayout())
    assert found(next(sentences)) == [(0, 1, "A")]
    with pytest.raises(MedmtlError, match="line 3"):
        next(sentences)
