"""What one tool does on hostile inputs, in a process of its own, whose Python may be another environment's.

    python benchmarks/trust_cases.py TOOL GIVEN FOLDER CASE ...

``trust_peers.py`` starts it. For each case a line of JSON is written when it begins and when it ends.
"""

import copy
import json
import multiprocessing
import os
import pickle
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from trust_tools import LEARNT, Tool, tool

SECONDS = 900  # a case that takes longer is said not to end; much, because the machine may be busy
MARK = "knee"  # the document with this word breaks a component
N_DAMAGES = 6
MESSAGE = 80  # characters of an error that are told
ZALGO = "f\u0335\u0321e\u0334\u0322v\u0337\u0327e\u0336\u0328r\u0338"
TEXTS = {
    "empty text": [""],
    "blanks only": [" ", "\n\n\t ", "\u00a0\u2003"],
    "control characters": ["no\x00fever\x07 today\x1b[31m .", "\x00", "a\x08b \x7f\x85 ."],
    "emoji, zalgo, right to left": [f"😷👩‍⚕️ no {ZALGO} .", "\u202eno fever\u202c .", "لا حمى اليوم ."],
    "100,000 characters": ["The left knee hurts and there is no fever today. " * 2041],
    "Docs of one token": ["fever", ".", "\u200b", "x" * 500],
    "half a surrogate pair": ["no fever \ud800 ."],
}
MANY = [f"{LEARNT[i % 4]} {LEARNT[(i * 7 + 1) % 4]} {'cough ' * (i % 9)}." for i in range(24)]


class HangsError(Exception):
    """A case took too long."""


def annotations(doc: Any) -> list[Any]:
    """All that the tools write on a Doc, numbers to the last bit."""
    groups = [
        [key, [(span.start, span.end, span.label_) for span in group], [repr(value) for value in scores_of(group)]]
        for key, group in sorted(doc.spans.items())
    ]
    ents = [(span.start, span.end, span.label_) for span in doc.ents]
    return [ents, groups, sorted((label, repr(float(value))) for label, value in doc.cats.items())]


def scores_of(group: Any) -> list[Any]:
    values = group.attrs.get("scores")
    return [] if values is None else list(values)


def labels(doc: Any) -> list[Any]:
    """The same without numbers."""
    ents, groups, _ = annotations(doc)
    return [ents, [group[:2] for group in groups]]


def on_texts(nlp: Any, texts: list[str]) -> str:
    told = []
    for text in texts:
        try:
            doc = nlp(text)
        except Exception as error:
            told.append(type(error).__name__)
            continue
        spans = [span for group in [doc.ents, *doc.spans.values()] for span in group]
        if doc.text != text:
            told.append("text altered")
        elif any(not span.text.strip() for span in spans):
            told.append("spans of white space")
        else:
            told.append("ok")
    return ", ".join(dict.fromkeys(told))


def failing_document(kind: Tool, nlp: Any) -> str:
    """One of eight documents of a batch breaks a component."""
    head = nlp.get_pipe(kind.heads[0])
    name = "predict" if hasattr(head, "predict") else "batch_process"
    usual = getattr(head, name)

    def fails(docs: Any) -> Any:
        docs = list(docs)
        if any(MARK in doc.text for doc in docs):
            raise ValueError("a component breaks")
        return usual(docs)

    setattr(head, name, fails)
    texts = [LEARNT[0]] * 3 + [LEARNT[1]] + [LEARNT[2]] * 4
    if not hasattr(nlp, "set_error_handler"):
        return f"{raised(lambda: kind.stream(nlp, texts, 1))} ends the stream: there is no error handler"
    told = "an error handler"
    try:
        nlp.set_error_handler(lambda *_: None)
    except AttributeError:  # spaCy's ner takes none
        head.set_error_handler(lambda *_: None)
        told = "an error handler of that component (nlp.set_error_handler raises AttributeError)"
    docs = kind.stream(nlp, texts, 1)
    return f"{sum(MARK not in doc.text for doc in docs)} of the 7 others come out, with {told}"


def raised(call: Callable[[], Any]) -> str:
    try:
        call()
    except HangsError:
        raise
    except Exception as error:
        return f"{type(error).__name__}"
    return "no error"


def in_batches(kind: Tool, nlp: Any) -> str:
    alone, together = [nlp(text) for text in MANY], kind.stream(nlp, MANY, 1)
    if [doc.text for doc in together] != MANY:
        return "another order"
    if list(map(labels, alone)) != list(map(labels, together)):
        return "other spans or labels in silence"
    n_other = sum(annotations(one) != annotations(other) for one, other in zip(alone, together))
    has_scores = any(cats or any(group[2] for group in groups) for _, groups, cats in map(annotations, alone))
    same = "same bits" if has_scores else "same spans (it writes no scores)"
    return f"same labels, scores of {n_other} of {len(MANY)} differ in the last digits" if n_other else same


def in_processes(kind: Tool, nlp: Any) -> str:
    multiprocessing.set_start_method("spawn", force=True)
    docs = kind.stream(nlp, MANY, 2)
    expected = [labels(nlp(text)) for text in MANY]
    return "ok" if [labels(doc) for doc in docs] == expected else "other results in silence"


def copied(nlp: Any, twin: Any) -> str:
    same = list(map(annotations, map(twin, LEARNT))) == list(map(annotations, map(nlp, LEARNT)))
    return "ok" if same else "other results in silence"


def weights_file(folder: Path) -> Path:
    """The largest file but the vocabulary's."""
    files = [path for path in folder.rglob("*") if path.is_file() and "vocab" not in path.parts]
    return max(files, key=lambda path: path.stat().st_size)


def damaged(kind: Tool, nlp: Any, folder: Path, damage: Callable[[bytearray, int], bytearray], n: int) -> str:
    kind.save(nlp, folder / "whole")
    expected = list(map(annotations, map(nlp, MANY)))
    outcomes: dict[str, int] = {}
    for number in range(n):
        shutil.rmtree(folder / "damaged", ignore_errors=True)
        shutil.copytree(folder / "whole", folder / "damaged")
        path = weights_file(folder / "damaged")
        path.write_bytes(damage(bytearray(path.read_bytes()), number))
        try:
            twin = kind.load(folder / "damaged")
            found = list(map(annotations, map(twin, MANY)))
            outcome = "loads, same results" if found == expected else "loads, other results in silence"
        except HangsError:
            raise
        except Exception as error:
            outcome = f"refused ({getattr(error, 'code', type(error).__name__)})"
        outcomes[outcome] = outcomes.get(outcome, 0) + 1
    return ", ".join(f"{count} of {n} {outcome}" if n > 1 else outcome for outcome, count in outcomes.items())


def flip(data: bytearray, number: int) -> bytearray:
    """One bit, the upper one of an exponent as a rule, anywhere in the file."""
    generator = random.Random(number)
    place = generator.randrange(len(data) // 10, len(data)) // 4 * 4 + 3
    data[min(place, len(data) - 1)] ^= 0x20
    return data


def scaled(nlp: Any) -> None:
    """Other weights."""
    import torch

    for _, pipe in nlp.pipeline:
        modules = [pipe] if isinstance(pipe, torch.nn.Module) else []
        for node in pipe.model.walk() if hasattr(pipe, "model") else []:
            for name in node.param_names:
                if node.has_param(name):
                    node.set_param(name, node.get_param(name) * -1.5)
            modules += [shim._model for shim in node.shims if isinstance(shim._model, torch.nn.Module)]
        with torch.no_grad():
            for module in modules:
                for parameter in module.parameters():
                    parameter.mul_(-1.5)


def killed(kind: Tool, nlp: Any, folder: Path) -> str:
    """A process that saves other weights over a pipeline is killed at different moments."""
    target, outcomes = folder / "saved", {"loads": 0, "refused or lost": 0, "a mixture in silence": 0}
    first = list(map(annotations, map(nlp, MANY)))
    kind.save(nlp, folder / "first")
    other = kind.load(folder / "first")
    scaled(other)
    start = time.monotonic()
    kind.save(other, folder / "second")
    seconds = time.monotonic() - start
    second = list(map(annotations, map(other, MANY)))
    for number in range(N_DAMAGES):
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(folder / "first", target)
        process = os.fork()
        if process == 0:
            kind.save(other, target)
            os._exit(0)
        time.sleep(seconds * (number + 0.5) / N_DAMAGES)
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        saved = target if target.exists() else target.with_name(target.name + ".medmtl-old")
        try:
            found = list(map(annotations, map(kind.load(saved), MANY)))
            outcomes["loads" if found in (first, second) else "a mixture in silence"] += 1
        except HangsError:
            raise
        except Exception:
            outcomes["refused or lost"] += 1
    return ", ".join(f"{count} of {N_DAMAGES} {outcome}" for outcome, count in outcomes.items() if count)


def cases(kind: Tool, nlp: Any, folder: Path) -> dict[str, Callable[[], str]]:
    return {
        **{name: lambda texts=texts: on_texts(nlp, texts) for name, texts in TEXTS.items()},
        "alone and in a batch": lambda: in_batches(kind, nlp),
        "two spawned processes": lambda: in_processes(kind, nlp),
        "pickle": lambda: copied(nlp, pickle.loads(pickle.dumps(nlp))),
        "deepcopy": lambda: copied(nlp, copy.deepcopy(nlp)),
        "weights cut in half": lambda: damaged(kind, nlp, folder, lambda data, _: data[: len(data) // 2], 1),
        "one flipped bit in the weights": lambda: damaged(kind, nlp, folder, flip, N_DAMAGES),
        "killed while saving": lambda: killed(kind, nlp, folder),
        "one document of a batch fails": lambda: failing_document(kind, nlp),  # last: it changes the pipeline
    }


def tell(message: dict[str, str]) -> None:
    sys.stdout.write(f"@{json.dumps(message)}\n")
    sys.stdout.flush()


def hang(*_: Any) -> None:
    raise HangsError


def main(name: str, given: str, folder: str, *wanted: str) -> None:
    kind = tool(name, given)
    kind.save(kind.build(), Path(folder) / "built")
    nlp = kind.load(Path(folder) / "built")  # as its users have it, without what training leaves behind
    signal.signal(signal.SIGALRM, hang)
    for case, call in cases(kind, nlp, Path(folder)).items():
        if wanted and case not in wanted:
            continue
        tell({"begins": case})
        signal.alarm(SECONDS)
        try:
            outcome = call()
        except HangsError:
            outcome = f"not done after {SECONDS} s"
        except Exception as error:
            outcome = f"{type(error).__name__}: {str(error)[:MESSAGE]}"
        signal.alarm(0)
        tell({"case": case, "outcome": outcome})


if __name__ == "__main__":
    main(*sys.argv[1:])
