"""Skills: each task takes the mean of the FFNs of the skills that it needs (SkillNet-NLU, arXiv 2203.03312).

The table of the progressive paper's baseline (OpenReview f4OM3Mn2wb, Table 1) is in configs/lab. Skills there: s1
meaning of a sequence, s2 meaning of a token, s3 how segments interact, s4 sentiment, s5 questions, s6 medical text, s7
generic, active in every task. That a task's skills are averaged is how SkillNet-NLU is recalled; its code is not
public.

Parameters: (S - 1) FFNs more in each routed layer for S skills in use, with ``rank`` k S * 2k(width + inner) instead.
FLOPs of a task with n skills, BERT-base, 128 wordpieces: 1 + 0.65 (n - 1) times those of ``shared``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ...errors import MedmtlError
from .rule import check_count

if TYPE_CHECKING:
    from torch import nn

    from ..feed_forward import FeedForward


# Table 1 of the paper, whose tasks are routes of these names. Configs of 0.1.0 that leave ``table`` out mean it.
PAPER_TABLE = {
    "sentence_intent": ["s1", "s4", "s7"],
    "pair_relation": ["s1", "s3", "s6", "s7"],
    "sru_nested_ner": ["s2", "s7"],
    "cpncf_assertion": ["s2", "s3", "s5", "s7"],
}


@dataclass(frozen=True)
class SkillsRule:
    """See ``skills_rule``."""

    table: dict[str, list[str]]
    rank: int | None = None
    keep_base_ffn: ClassVar[str] = "none"

    def skills(self, route: str) -> list[str]:
        """The skills of a route, sorted. Raises MedmtlError E021 if the table has none for it."""
        names = self.table.get(route)
        if not names:
            raise MedmtlError("E021", route=route, expected=sorted(self.table))
        return sorted(set(names))

    def clusters(self, ffns: "Sequence[FeedForward]", routes: Sequence[str]) -> "list[nn.Module]":
        from .cluster import FixedCluster, make_ffns

        used = sorted({skill for route in routes for skill in self.skills(route)})
        active = [[used.index(skill) for skill in self.skills(route)] for route in routes]
        return [FixedCluster(make_ffns(ffn, [1.0] * len(used), self.rank), active) for ffn in ffns]

    def key(self, route: str) -> str:
        return " ".join(self.skills(route))

    def lr_scale(self, parameter: str) -> float:
        return 1.0


def skills_rule(table: dict[str, list[str]] | None = None, rank: int | None = None) -> SkillsRule:
    """``spacy-medmtl.skills_rule.v1``: ``h_m = mean over the skills s of task m of F_s(x)``.

    Every route starts as the pretrained encoder: the mean of equal FFNs is the FFN. Skills that no route needs are left
    out.

    table: route -> names of its skills; null for the paper's. Rows of other routes do no harm.
    rank: null, or the rank of each skill's difference from one common FFN.
    Raises MedmtlError E020 for a rank below 1; the encoder's model raises E021 for a route without skills.
    """
    if rank is not None:
        check_count("skills_rule", "rank", rank)
    return SkillsRule(PAPER_TABLE if table is None else table, rank)
