"""The console logger: a line per evaluation with one loss per component, and a progress bar in between."""

import sys
from collections.abc import Callable
from typing import IO, Any

from spacy.language import Language
from tqdm import tqdm
from wasabi import Printer

LogStep = Callable[[dict[str, Any] | None], None]
Setup = Callable[[Language, IO[str], IO[str]], tuple[LogStep, Callable[[], None]]]
WIDTH = 8


def console_logger(progress_bar: bool = True) -> Setup:
    """``spacy-medmtl.ConsoleLogger.v1``: epoch, step, mean loss per step of each component since the last line, the
    scores that count, and the weighted score. The bar counts steps up to ``max_steps``."""

    def setup(nlp: Language, stdout: IO[str] = sys.stdout, stderr: IO[str] = sys.stderr) -> tuple[LogStep, Callable]:
        training = nlp.config["training"]
        weights = {name: weight for name, weight in training["score_weights"].items() if weight}
        losing = [name for name, pipe in nlp.pipeline if _has_loss(pipe)]
        table = _Table(["E", "#", *(f"LOSS {name}" for name in losing), *weights, "SCORE"], stdout)
        bar = tqdm(total=training["max_steps"] or None, disable=not progress_bar, file=stderr, leave=False, unit="step")
        seen = {"step": 0}

        def log_step(info: dict[str, Any] | None) -> None:
            bar.update(1)
            if info is None:
                return
            n_steps = max(1, info["step"] - seen["step"])
            seen["step"] = info["step"]
            losses = [f"{float(info['losses'].get(name, 0.0)) / n_steps:.4f}" for name in losing]
            scores = [_percent(info["other_scores"].get(name)) for name in weights]
            bar.clear()
            table.line([str(info["epoch"]), str(info["step"]), *losses, *scores, _percent(info["score"])])
            bar.refresh()

        return log_step, bar.close

    return setup


def _has_loss(pipe: Any) -> bool:
    """Trainable components but the encoder, whose loss is that of its heads."""
    return bool(getattr(pipe, "is_trainable", False)) and not hasattr(pipe, "listener_map")


def _percent(value: Any) -> str:
    return f"{100.0 * value:.2f}" if isinstance(value, (int, float)) else "-"


class _Table:
    """Lines with the columns of the header, written as they come."""

    def __init__(self, header: list[str], stdout: IO[str]) -> None:
        self._widths = [max(WIDTH, len(name)) for name in header]
        self._stdout = stdout
        self._msg = Printer(no_print=True)
        self.line(header)
        self.line(["-" * width for width in self._widths])

    def line(self, cells: list[str]) -> None:
        text = self._msg.row(cells, widths=self._widths, aligns=["r"] * len(cells))
        self._stdout.write(f"{text}\n")
        self._stdout.flush()
