"""The console logger: a line per evaluation with one loss per component, and a progress bar in between."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import srsly
from spacy.language import Language
from tqdm import tqdm
from wasabi import Printer

from ..corpora.outputs import write_atomically

LogStep = Callable[[dict[str, Any] | None], None]
Setup = Callable[[Language, IO[str], IO[str]], tuple[LogStep, Callable[[], None]]]
WIDTH = 8


def console_logger(progress_bar: bool = True, output_file: str | None = None) -> Setup:
    """``spacy-medmtl.ConsoleLogger.v1``: epoch, step, mean loss per step of each component since the last line, the
    scores that count, and the weighted score. The bar counts steps up to ``max_steps``.

    output_file: JSON lines of the same, for ``medmtl evaluate --log`` (those of ``spacy.ConsoleLogger.v3``, with mean
        losses); an earlier file is replaced.
    """

    def setup(nlp: Language, stdout: IO[str] = sys.stdout, stderr: IO[str] = sys.stderr) -> tuple[LogStep, Callable]:
        training = nlp.config["training"]
        weights = {name: weight for name, weight in training["score_weights"].items() if weight}
        losing = [name for name, pipe in nlp.pipeline if _has_loss(pipe)]
        table = _Table(["E", "#", *(f"LOSS {name}" for name in losing), *weights, "SCORE"], stdout)
        bar = tqdm(total=training["max_steps"] or None, disable=not progress_bar, file=stderr, leave=False, unit="step")
        seen = {"step": 0}
        if output_file is not None:
            write_atomically(Path(output_file), b"")

        def log_step(info: dict[str, Any] | None) -> None:
            bar.update(1)
            if info is None:
                return
            n_steps = max(1, info["step"] - seen["step"])
            seen["step"] = info["step"]
            losses = {name: float(info["losses"].get(name, 0.0)) / n_steps for name in losing}
            scores = {name: info["other_scores"].get(name) for name in weights}
            # the bar is in the way of the line
            bar.clear()
            cells = [*(f"{loss:.4f}" for loss in losses.values()), *map(_percent, scores.values())]
            table.line([str(info["epoch"]), str(info["step"]), *cells, _percent(info["score"])])
            bar.refresh()
            if output_file is not None:
                place = {"epoch": info["epoch"], "step": info["step"], "score": info["score"]}
                line = {**place, "losses": losses, "scores": scores}
                srsly.write_jsonl(output_file, [line], append=True, append_new_line=False)

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
