"""Public corpora in languages other than English."""

from typing import Dict

from ..converter import Converter

CONVERTERS: Dict[str, Converter] = {
    "chip_mdcfnpc": Converter(
        "chip_mdcfnpc",
        "CHIP-MDCFNPC, Chinese dialogues (JSON lines): findings with their status, turns; use --lang zh; has no dev "
        "part, use --dev-share",
        train=("train.jsonl",),
    ),
}
