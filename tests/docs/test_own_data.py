"""docs/data.md from notes to scores, on invented brat notes in which only negated mentions have an attribute."""

import re
import shlex
from itertools import cycle, islice
from pathlib import Path

import pytest
import srsly
from spacy.cli._util import app as spacy_app
from typer.testing import CliRunner

from spacy_medmtl.cli import app

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "data.md").read_text(encoding="utf8")
PROBLEMS = ("fever", "cough", "pain in the left knee", "chest pain")
SENTENCES = ("She has {}.", "No {}.", "Mother denies {}.", "{} is there.", "We give aspirin for {}.")
SMALL = (
    "--components.encoder.model.layers [1] --components.encoder.model.window 96 --components.encoder.model.stride 48"
    " --initialize.components.encoder.loader.@misc spacy-medmtl.local_encoder.v1"
)


def annotated(problems: list[str]) -> tuple[str, str]:
    """A note and its rows: a problem a sentence, negated ones with an attribute; drugs and body parts without any."""
    text, rows = "", []

    def mark(label: str, words: str, line: str) -> None:
        start = len(text) + line.index(words)
        rows.append(f"T{len(rows)}\t{label} {start} {start + len(words)}\t{words}")

    for sentence, problem in zip(SENTENCES, problems):
        line = sentence.format(problem) + "\n"
        mark("Problem", problem, line)
        if "No" in line or "denies" in line:
            rows.append(f"A{len(rows)}\tNegation {rows[-1].partition(chr(9))[0]}")
        for label, words in (("Drug", "aspirin"), ("Anatomy", "left knee")):
            if words in line:
                mark(label, words, line)
        text += line
    return text, "\n".join(rows)


def write_data(folder: Path) -> None:
    names = cycle(PROBLEMS)
    for part, n_notes in (("notes", 30), ("notes_test", 6)):
        (folder / part).mkdir(parents=True)
        for number in range(n_notes):
            next(names)
            text, rows = annotated(list(islice(names, len(SENTENCES))))
            (folder / part / f"{number}.txt").write_text(f"{text}Visit {part} {number}.")
            (folder / part / f"{number}.ann").write_text(rows)
    for part, n_rows in (("sentences", 40), ("sentences_test", 8)):
        rows = [f"Where is it {part} {n}?,question\nThe pain {part} {n}.,history" for n in range(n_rows)]
        (folder / f"{part}.csv").write_text("\n".join(["text,label", *rows, ""]))


def commands(heading: str) -> list[str]:
    """The commands of a section of the page."""
    section = re.split(r"^#+ ", PAGE.partition(heading)[2], maxsplit=1, flags=re.MULTILINE)[0]
    blocks = re.findall(r"^```bash\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    return "".join(blocks).replace("\\\n", " ").strip().split("\n")


def run(command: str) -> None:
    program, *arguments = shlex.split(command.removeprefix("python -m "))
    result = CliRunner().invoke(app if program == "medmtl" else spacy_app, arguments)
    assert result.exit_code == 0, (command, result.output, result.exception)


@pytest.mark.slow
def test_the_page_leads_from_notes_to_scores(tiny_encoder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_data(tmp_path / "mine")
    (block,) = re.findall(r"^```ini\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    config = (ROOT / "configs" / "own.cfg").read_text(encoding="utf8")
    config = re.sub(
        r'^((?:pipeline|routes|tasks) = .*"sru_nested_ner")\]', r'\1, "cpncf_assertion"]', config, flags=re.M
    )
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "own.cfg").write_text(f"{config}\n{block}")
    for command in (*commands("## 3. Convert"), *commands("### Findings with a status")):
        run(command)
    debug, train, evaluate, report = commands("## 5. Check, train, evaluate")
    small = f"{SMALL} --paths.encoder {tiny_encoder}"
    run(f"{debug} {small}")
    run(f"{train} {small} --training.max_steps 4 --training.eval_frequency 4")
    run(evaluate)
    run(report)
    scores = srsly.read_json("metrics/own.json")["corpora"]
    assert "Problem/negative" in str(scores["notes"])
    assert "Problem/positive" in str(scores["notes"])
    assert "Drug" in str(scores["notes"])
