"""Throughput of ``assert``: status of five given spans in each of many short notes, against ConText and negspacy.

The notes are drawn from templates written for this script: three to five sentences, some with a finding, and a plan
without. All tools run in one process on the same notes and spans, from the text to decisions; they take turns, and the
figures are medians. Of ours, the time of the encoder alone (wordpieces to token rows) is given apart.

    python benchmarks/bench_assertion.py training/assertion/negex
    python benchmarks/bench_assertion.py training/assertion/negex --notes 10000 --repeats 1 --precision mixed

How to install the peers is said in ``compare_assertion.py``; one that is not installed is left out.
"""

import platform
import random
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import spacy
import srsly
import torch
import typer
from assertion_tools import (
    MEDSPACY,
    NEGSPACY,
    OURS,
    Case,
    Tool,
    given_docs,
    load_ours,
    medspacy,
    negspacy,
    ours,
    versions,
)
from spacy.language import Language
from timing import medians

from spacy_medmtl.training.report import table

SPANS = 5  # of a note
WARM_UP = 50  # notes that are read before anything is timed
PRECISIONS = ("mixed", "exact")
FINDINGS = (
    "chest pain|shortness of breath|nausea|fever|dry cough|ankle swelling|dizziness|pleural effusion|pneumothorax|"
    "atrial fibrillation|urinary tract infection|deep vein thrombosis|pneumonia|headache|rash|hypertension|weight loss|"
    "abdominal tenderness|night sweats|hip fracture|jaundice|palpitations|lower back pain|wheezing|cellulitis"
).split("|")
# number of findings -> sentences
TEMPLATES = {
    0: (
        "The plan was explained and a follow-up visit was booked for next week.",
        "Blood pressure was 128 over 76 and the pulse was regular at 72.",
        "He lives with his wife and walks the dog twice a day.",
    ),
    1: (
        "She presents with {} since yesterday evening.",
        "There is no evidence of {} on today's examination.",
        "Possible {}, to be discussed at the morning round.",
        "His mother was treated for {} some years ago.",
        "Return at once in case of {}.",
        "History of {} in 2011, treated elsewhere.",
    ),
    2: (
        "The patient denies {} and {}.",
        "He reports {} but no {}.",
        "{} has improved; {} persists.",
        "Imaging rules out {} but shows {}.",
    ),
    3: ("No {}, {} or {} was noted.", "She was admitted with {} and {}, without {}."),
}


def note(draw: random.Random) -> Case:
    """A note with five given spans."""
    sentences = [draw.choice(TEMPLATES[0])]
    left = SPANS
    while left:
        size = draw.choice([n for n in TEMPLATES if 0 < n <= left])
        sentences.append(draw.choice(TEMPLATES[size]))
        left -= size
    draw.shuffle(sentences)
    text, spans = "", []
    findings = iter(draw.sample(FINDINGS, SPANS))
    for sentence in sentences:
        text += " " if text else ""
        first, *rest = sentence.split("{}")
        text += first
        for part in rest:
            finding = next(findings)
            spans.append((len(text), len(text) + len(finding)))
            text += finding + part
    return Case(text, spans, [], [])


def encoder_alone(nlp: Language, cases: Sequence[Case]) -> Callable[[], Any]:
    """What computes the token rows that our head judges spans by, and nothing else."""
    head: Any = nlp.get_pipe(OURS)
    docs = [nlp.get_pipe("medmtl_sentences")(doc) for doc in given_docs(nlp, cases)]  # type: ignore[operator]
    batches = [docs[i : i + nlp.batch_size] for i in range(0, len(docs), nlp.batch_size)]
    readings = [[head.reading(doc, head._given(doc)) for doc in batch] for batch in batches]
    list(nlp.pipe(["."]))  # the encoder remembers what it computed for its last batch of Docs
    return lambda: [head.model.layers[0].predict(batch) for batch in readings]


def main(
    model: Annotated[Path, typer.Argument(help="A pipeline of ours that judges given spans.")],
    notes: Annotated[int, typer.Option(help="Notes of a turn.")] = 1000,
    repeats: Annotated[int, typer.Option(help="Timed turns of each tool.")] = 5,
    precision: Annotated[list[str] | None, typer.Option(help="Of ours: mixed, exact; both if left out.")] = None,
    threads: Annotated[int, typer.Option(help="Threads of torch.")] = 1,
    seed: Annotated[int, typer.Option(help="Seed of the notes.")] = 0,
    output: Annotated[Path, typer.Option(help="Where figures and table go.")] = Path("metrics/bench_assertion"),
) -> None:
    """Time, and write JSON and Markdown."""
    torch.set_num_threads(threads)
    draw = random.Random(seed)
    made = [note(draw) for _ in range(notes)]
    tokenizer = spacy.blank("en").tokenizer
    words = sum(not token.is_space for case in made for token in tokenizer(case.text))
    pipelines = {f"{OURS}, {name}": load_ours(model, name == "mixed") for name in precision or PRECISIONS}
    tools: dict[str, Tool] = {name: ours(nlp) for name, nlp in pipelines.items()}
    for name, start in ((NEGSPACY, negspacy), (MEDSPACY, medspacy)):
        try:
            tools[name] = start()
        except ImportError as error:
            typer.echo(f"{name} is left out: {error}")
    calls: dict[tuple[str, str], Callable[[], Any]] = {
        (name, "all"): partial(tool, made) for name, tool in tools.items()
    }
    calls.update({(name, "encoder alone"): encoder_alone(nlp, made) for name, nlp in pipelines.items()})
    for tool in tools.values():  # rather than a whole turn
        tool(made[:WARM_UP])
    seconds = medians(calls, repeats, warm_up=0)
    rows: list[list[str]] = [
        [name, part, f"{taken:.2f}", f"{words / taken:.0f}", f"{notes / taken:.0f}"]
        for (name, part), taken in seconds.items()
    ]
    settings = {
        "model": str(model),
        "notes": notes,
        "words": words,
        "spans": SPANS * notes,
        "repeats": repeats,
        "seed": seed,
        "machine": f"{platform.machine()}, {threads} thread(s)",
        "versions": versions(),
    }
    figures = [{"tool": name, "part": part, "seconds": taken} for (name, part), taken in seconds.items()]
    title = f"{notes} notes, {words} words, {SPANS * notes} spans; {settings['machine']}; {settings['versions']}"
    lines = [title, "", *table(["tool", "what", "seconds", "words/s", "notes/s"], rows)]
    output.parent.mkdir(parents=True, exist_ok=True)
    srsly.write_json(output.with_suffix(".json"), {**settings, "results": figures})
    output.with_suffix(".md").write_text("\n".join([*lines, ""]), encoding="utf8")
    typer.echo("\n".join(lines))


if __name__ == "__main__":
    typer.run(main)
