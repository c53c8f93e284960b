"""What every sharing rule offers. A rule is small and free of torch; its clusters are the torch modules it builds."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from ...errors import MedmtlError
from ...kinds import FLAG, Kind, number, whole_number

if TYPE_CHECKING:
    from torch import nn

    from ..feed_forward import FeedForward

# Parts of parameter names that tell what a parameter of the encoder belongs to; see ``parameter_group``.
GROUP_MARKS = {".cluster.coefficients.": "W", ".cluster.gates.": "gates", ".cluster.ffns.": "routes"}
SHARED_MARK = ".cluster.ffns.base."  # the one FFN below low-rank routes


@runtime_checkable
class SharingRule(Protocol):
    """Decides which FFNs a routed layer holds and how a route combines them."""

    @property
    def keep_base_ffn(self) -> str:
        """What becomes of the pretrained FFN beside the cluster: ``none``, ``parallel`` or ``serial``."""

    def clusters(self, ffns: "Sequence[FeedForward]", routes: Sequence[str]) -> "list[nn.Module]":
        """Build the clusters that replace ``ffns``, one for each routed layer, from the lowest up.

        A cluster is called as ``cluster(x, routes)`` with the attention output of the layer and the positions of the
        active routes: x is [1, ..., width] where all routes read the same rows, else [routes, ..., width]. It returns
        the mixed FFN outputs [routes, ..., width], before dropout, residual and LayerNorm. ``cluster.fold(m)`` is the
        same as one plain FFN for the route at position m.
        """

    def key(self, route: str) -> str:
        """Routes with equal keys compute the same, so their outputs can be shared."""

    def lr_scale(self, parameter: str) -> float:
        """The factor on the learning rate of a parameter of the encoder, by its name."""


def parameter_group(name: str) -> str:
    """What a parameter of the encoder belongs to, by its name in ``named_parameters()``.

    ``W``: mixing coefficients of ``progressive``; ``gates``: those of ``mmoe``; ``routes``: the FFNs of
    clusters; ``encoder``: all else, among it single FFNs that all routes use.
    """
    if SHARED_MARK in name:
        return "encoder"
    return next((group for mark, group in GROUP_MARKS.items() if mark in name), "encoder")


def check_count(rule: str, setting: str, value: Any) -> None:
    """Raises MedmtlError E020 unless a rule's setting is a whole number from 1 on."""
    _check(whole_number(1), rule, setting, value)


def check_at_least(minimum: float, rule: str, setting: str, value: Any) -> None:
    """Raises MedmtlError E020 unless a rule's setting is a number from ``minimum`` on."""
    _check(number(minimum), rule, setting, value)


def check_flag(rule: str, setting: str, value: Any) -> None:
    """Raises MedmtlError E020 unless a rule's setting is true or false."""
    _check(FLAG, rule, setting, value)


def _check(kind: Kind, rule: str, setting: str, value: Any) -> None:
    if not kind.is_valid(value):
        raise MedmtlError("E020", rule=rule, setting=setting, received=value, expected=kind.expected)
