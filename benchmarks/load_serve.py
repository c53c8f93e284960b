"""The service under load on this machine: requests a second, latency, memory, and whether answers are right.

    python benchmarks/load_serve.py PIPELINE --requests 2000 --threads 8

Starts the service of ``medmtl serve`` as a process, and asks it by several threads, each over one connection that it
keeps. Notes are invented, and no two have the same words unless ``--notes`` says that they come again: the pipeline
remembers some 250 bytes of each word form, up to 20,000 of them. Each answer is compared with what the pipeline gives
in this process, before and without the service. Memory is the service's own (PSS), and, at an address that is there for
this script alone, what it has ``in_use`` (``soak.in_use``; all that it has with ``PYTHONMALLOC=malloc``). Linux only:
it reads /proc.

Prints JSON, and on standard error each measure of memory; exit status 1 where an answer differs or fails, or memory
grows by more than ``--most`` bytes a request in the second half.
"""

import http.client
import json
import random
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated, Any

import numpy
import spacy
import srsly
import typer
import uvicorn
from soak import WORDS, in_use, memory, slope
from spacy.language import Language

from spacy_medmtl.annotations.rows import doc_rows
from spacy_medmtl.serving.app import Limits, make_app

HOST = "127.0.0.1"
START = 300.0  # seconds that the service may take to load
N_MEASURES = 50
SERVE, IN_USE = "serve", "/in_use"
Rows = dict[str, list[dict[str, Any]]]


def notes(n_notes: int, n_sentences: int) -> list[str]:
    """Notes, each with numbers of its own."""
    generator = random.Random(0)
    return [
        " ".join(f"{' '.join(generator.choices(WORDS, k=8))} {number}{letter} mg." for letter in range(n_sentences))
        for number in range(n_notes)
    ]


def direct(nlp: Language, texts: Sequence[str]) -> list[Rows]:
    """The rows that the pipeline gives of each text alone."""
    return [rounded(doc_rows(nlp(text), "")) for text in texts]


def rounded(tables: Rows) -> Rows:
    """Without ids; scores to five digits, as JSON and other batches change the last."""
    return {
        name: [
            {column: round(value, 5) if isinstance(value, float) else value for column, value in sorted(row.items())}
            for row in ({column: value for column, value in row.items() if column != "doc_id"} for row in rows)
        ]
        for name, rows in tables.items()
    }


def free_port() -> int:
    with socket.socket() as opened:
        opened.bind((HOST, 0))
        return int(opened.getsockname()[1])


class Client:
    """One connection to the service at a port of this machine."""

    def __init__(self, port: int) -> None:
        self.connection = http.client.HTTPConnection(HOST, port, timeout=START)

    def ask(self, path: str, body: dict[str, Any] | None = None) -> tuple[int, Any]:
        """Status and answer."""
        sent = None if body is None else json.dumps(body)
        headers = {} if body is None else {"Content-Type": "application/json"}
        self.connection.request("GET" if body is None else "POST", path, sent, headers)
        answer = self.connection.getresponse()
        return answer.status, json.loads(answer.read())


def wait_for(port: int, service: "subprocess.Popen[bytes]") -> None:
    """Until it answers. Raises RuntimeError if it ends, or does not within five minutes."""
    end = time.monotonic() + START
    while service.poll() is None and time.monotonic() < end:
        try:
            if Client(port).ask("/health")[0] == 200:
                return
        except OSError:
            time.sleep(0.2)
    raise RuntimeError("the service does not answer")


def load(
    port: int, pid: int, texts: Sequence[str], expected: Sequence[Rows], threads: int, requests: int
) -> dict[str, Any]:
    """Ask for the texts in turn, in portions, and measure memory after each."""
    clients, gauge = [Client(port) for _ in range(threads)], Client(port)

    def answer(number: int, client: Client) -> tuple[float, bool]:
        begun = time.perf_counter()
        wanted = expected[number % len(texts)]
        status, tables = client.ask("/annotate", {"text": texts[number % len(texts)]})
        seconds = time.perf_counter() - begun
        return seconds, status == 200 and rounded({name: tables[name] for name in wanted}) == wanted

    def own_share(client_number: int, portion: range) -> list[tuple[float, bool]]:
        return [answer(number, clients[client_number]) for number in portion[client_number::threads]]

    answers: list[tuple[float, bool]] = []
    measures = []
    size, seconds = max(threads, requests // N_MEASURES), 0.0
    with ThreadPoolExecutor(threads) as pool:
        for first in range(0, requests, size):
            portion = range(first, min(first + size, requests))
            begun = time.perf_counter()
            for share in pool.map(own_share, range(threads), [portion] * threads):
                answers += share
            seconds += time.perf_counter() - begun
            used = {"bytes": memory(Path(f"/proc/{pid}")), "in_use": gauge.ask(IN_USE)[1]}
            gauge.connection.close()  # opened again by the next measure: the service ends those that wait for long
            measures.append({"docs": portion.stop, **used})
            typer.echo(json.dumps(measures[-1]), err=True)
    late = measures[len(measures) // 2 :]
    milliseconds = 1000 * numpy.asarray([taken for taken, _ in answers])
    return {
        "requests": len(answers),
        "threads": threads,
        "wrong": sum(not is_right for _, is_right in answers),
        "spans": sum(len(rows) for tables in expected for rows in tables.values()),
        "requests_per_second": round(len(answers) / seconds, 1),
        "milliseconds": {f"p{share}": round(float(numpy.percentile(milliseconds, share)), 1) for share in (50, 95, 99)},
        "mib": {name: round(m["bytes"] / 2**20, 1) for name, m in (("first", measures[0]), ("last", measures[-1]))},
        "mib_after_half": round(late[0]["bytes"] / 2**20, 1),
        "bytes_per_request": slope(late),
        "in_use": slope(late, "in_use"),
    }


def main(
    pipeline: Annotated[str, typer.Argument(help="A trained pipeline.")],
    requests: Annotated[int, typer.Option(min=100)] = 2000,
    threads: Annotated[int, typer.Option(min=1, help="Clients that ask at once.")] = 8,
    different: Annotated[
        int | None, typer.Option("--notes", min=1, help="Different notes; by default all are.")
    ] = None,
    sentences: Annotated[int, typer.Option(min=1, help="Of each note.")] = 3,
    most: Annotated[float, typer.Option(help="Bytes a request that memory may grow by.")] = 1000.0,
) -> None:
    texts = notes(different or requests, sentences)
    expected = direct(spacy.load(pipeline), texts)
    port = free_port()
    command = [sys.executable, __file__, SERVE, pipeline, str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as service:
        try:
            wait_for(port, service)
            measured = load(port, service.pid, texts, expected, threads, requests)
        finally:
            service.terminate()
    typer.echo(srsly.json_dumps(measured, indent=1))
    raise typer.Exit(int(bool(measured["wrong"]) or measured["bytes_per_request"][0] > most))


def serve(pipeline: str, port: int) -> None:
    """What ``medmtl serve`` does, and an address for memory."""
    nlp = spacy.load(pipeline)
    app = make_app(nlp, Limits())
    app.get(IN_USE)(in_use)
    uvicorn.run(app, host=HOST, port=port, log_level="warning")


if __name__ == "__main__":
    if sys.argv[1] == SERVE:
        serve(sys.argv[2], int(sys.argv[3]))
    else:
        typer.run(main)
