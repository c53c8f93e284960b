"""Extensions beside tools that use the same names: what they assign is kept, and a clash is said."""

import subprocess
import sys

import pytest
import spacy
from spacy.tokens import Doc, Span

from spacy_medmtl.annotations.extensions import install_extensions
from spacy_medmtl.annotations.groups import FINDINGS, write_group
from spacy_medmtl.errors import MedmtlWarning

OTHER_FIRST = """
import warnings
from spacy.tokens import Doc, Span
Span.set_extension("is_negated", default=False)
Doc.set_extension("relations", default=None)
from spacy_medmtl.annotations.extensions import install_extensions
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    install_extensions()
said = [str(warning.message) for warning in caught]
assert len(said) == 2 and all("W202" in text for text in said), said
assert "'is_negated' of Span" in said[0] and "'relations' of Doc" in said[1], said
assert Span.has_extension("is_family")
"""


def test_what_another_tool_assigns_is_kept_where_we_say_nothing():
    install_extensions()
    nlp = spacy.blank("en")
    doc = nlp.make_doc("no fever but cough")
    write_group(doc, FINDINGS, [Span(doc, 1, 2, label="SIGN")], assertion=["negative"], assertion_modifiers=[[]])
    fever, cough = doc[1:2], doc[3:4]
    cough._.is_negated, cough._.is_family = True, True
    with pytest.warns(MedmtlWarning, match=r"W207.*'span\._\.is_negated'.*'span\._\.assertion'"):
        fever._.is_negated = False
    assert (fever._.is_negated, cough._.is_negated, cough._.is_family) == (True, True, True)
    assert cough._.is_historical is None
    copy = Doc(nlp.vocab).from_bytes(doc.to_bytes())
    assert copy[3:4]._.is_negated is True


@pytest.mark.parametrize("times", [1, 2])
def test_installing_again_is_no_clash(times, recwarn):
    for _ in range(times):
        install_extensions()
    assert not recwarn.list


def test_names_of_others_are_left_with_a_warning():
    subprocess.run([sys.executable, "-c", OTHER_FIRST], check=True)
