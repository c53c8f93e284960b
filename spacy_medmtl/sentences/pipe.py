"""``medmtl_sentences``: sentence boundaries and sections of clinical notes, as a spaCy component without a model.

In the place of spaCy's sentencizer, before everything that reads sentences.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from spacy.attrs import IDX
from spacy.language import Language
from spacy.pipeline import Pipe
from spacy.tokens import Doc, Span
from spacy.training import Example

from ..annotations.groups import SECTIONS, set_sentence_starts, write_group
from ..annotations.travelling import keep_values
from ..kinds import SCORER, names
from ..settings import Configured, Setting
from .boundaries import sentence_bounds_in
from .lines import paragraphs
from .plain_text import plain_text
from .sections import Section, find_sections
from .tokenizing import teach_tokenizer


@Language.factory(
    "medmtl_sentences",
    assigns=["token.is_sent_start", "doc.sents", "doc.spans"],
    default_config={"abbreviations": [], "scorer": {"@scorers": "spacy.senter_scorer.v1"}},
    default_score_weights={"sents_f": 1.0, "sents_p": 0.0, "sents_r": 0.0},
)
def make_medmtl_sentences(
    nlp: Language, name: str, abbreviations: list[str], scorer: Callable[..., Any] | None
) -> "MedmtlSentences":
    """Build the component. abbreviations: more of them ("Pat.", "z. B.") whose full stop ends no sentence unless a
    capital follows. The tokenizer of ``nlp`` is taught to split signs and characters without width off words.
    Raises MedmtlError E203 for a setting of another kind.
    """
    teach_tokenizer(nlp)
    return MedmtlSentences(nlp, name, abbreviations=abbreviations, scorer=scorer)


class MedmtlSentences(Configured, Pipe):
    """Sets ``token.is_sent_start`` where a Doc has no sentence boundaries yet, and always
    ``doc.spans["medmtl_sections"]``.

    Each section is a span from its heading to the next, labelled with its normalised name; ``attrs["names"]`` has the
    names and ``attrs["heading_lengths"]`` the number of tokens of each heading.
    """

    abbreviations = Setting(names("a list of abbreviations, each once"))

    def __init__(self, nlp: Language, name: str, *, scorer: Callable[..., Any] | None, **settings: Any) -> None:
        """settings: a value for each ``Setting`` of the class. Raises MedmtlError E203 for a value that it does not
        take."""
        SCORER.check(name, "scorer", scorer)
        self.vocab, self.name, self.scorer = nlp.vocab, name, scorer
        self.set_up(nlp, settings)

    def __call__(self, doc: Doc) -> Doc:
        """Annotate a Doc."""
        plain = plain_text(doc.text)
        stretches = paragraphs(plain.text)
        abbreviations = frozenset(one.lower().removesuffix(".") for one in self.abbreviations)
        sentences = [
            bounds for start, end in stretches for bounds in sentence_bounds_in(plain.text, start, end, abbreviations)
        ]
        places = doc.to_array(IDX).tolist()
        if not doc.has_annotation("SENT_START"):
            set_sentence_starts(doc, [_token_at(places, plain.offsets[start]) for start, _ in sentences])
        sections = find_sections(plain.text, stretches, sentences)
        _write_sections(doc, [_in_tokens(places, section, plain.offsets) for section in sections])
        return doc

    def score(self, examples: Iterable[Example], **kwargs: Any) -> dict[str, Any]:
        """Scores of sentence boundaries."""
        scores: dict[str, Any] = self.scorer(examples, **kwargs) if self.scorer else {}
        return scores

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:
        """Nothing is learnt: settings stand in the pipeline's config. Warns (W203) of those that do not."""
        self.warn_of_unwritten()

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> "MedmtlSentences":
        """Nothing is learnt: settings stand in the pipeline's config."""
        return self

    def to_bytes(self, *, exclude: Iterable[str] = ()) -> bytes:
        """As ``to_disk``."""
        self.warn_of_unwritten()
        return b""

    def from_bytes(self, data: bytes, *, exclude: Iterable[str] = ()) -> "MedmtlSentences":
        """Nothing is learnt: settings stand in the pipeline's config."""
        return self


def _token_at(places: list[int], offset: int) -> int:
    """The token that a sentence begins with: the first one that does not begin before it."""
    return bisect_left(places, offset)


def _in_tokens(places: list[int], section: Section, offsets: "list[int] | range") -> tuple[int, int, int, str]:
    """(start, tokens of the heading, end, name). offsets: of the plain text in the Doc's."""
    start = max(0, bisect_right(places, offsets[section.start]) - 1)
    heading_end = bisect_left(places, offsets[section.heading_end])
    end = bisect_left(places, offsets[section.end - 1] + 1)
    return start, heading_end - start, end, section.name


def _write_sections(doc: Doc, sections: list[tuple[int, int, int, str]]) -> None:
    kept = [(start, n, end, name) for start, n, end, name in sections if start < end]
    write_group(
        doc,
        SECTIONS,
        [Span(doc, start, end, label=name) for start, _, end, name in kept],
        names=[name for _, _, _, name in kept],
        heading_lengths=[n for _, n, _, _ in kept],
    )
    keep_values(doc, SECTIONS, ["names", "heading_lengths"])
