"""``medmtl push``, against a server that answers as the hub's interface does."""

import base64
import json
import os
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import spacy

RIGHT = "hf_rightrightright"


class Hub(BaseHTTPRequestHandler):
    """Takes every file as a regular one, and keeps what it got. Refuses every token but "right", and fails where it is
    told to, ``failing``: part of a path, and the status."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.asked.append(self.path)
        part, status = self.server.failing
        if self.headers.get("Authorization") != f"Bearer {RIGHT}":
            self.answer(401, {"error": f"no: {self.headers.get('Authorization')}"})
        elif part and part in self.path:
            self.answer(status, {"error": "no", "url": f"{self.server.address}/clinic/en_x"})
        elif self.path == "/api/repos/create":
            self.server.created.append(json.loads(body))
            self.answer(200, {"url": f"{self.server.address}/clinic/en_x"})
        elif "/preupload/" in self.path:
            files = [{"path": one["path"], "uploadMode": "regular"} for one in json.loads(body)["files"]]
            self.answer(200, {"files": [{**one, "shouldIgnore": False} for one in files]})
        elif "/commit/" in self.path:
            self.server.commits.append([json.loads(line) for line in body.splitlines()])
            self.answer(200, {"commitUrl": f"{self.server.address}/clinic/en_x/commit/1", "commitOid": "1"})
        else:  # the check of the card's metadata
            self.answer(200, {"errors": [], "warnings": []})

    def answer(self, status, value):
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *arguments):
        """Nothing on the console."""


@pytest.fixture
def hub():
    server = HTTPServer(("127.0.0.1", 0), Hub)
    server.address = f"http://127.0.0.1:{server.server_port}"
    server.asked, server.created, server.commits, server.failing = [], [], [], ("", 0)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def push(address, pipeline, token, home, *options):
    environment = {
        **os.environ,
        "HF_ENDPOINT": address,
        "HF_TOKEN": token,
        "HF_HOME": str(home),
        "HF_HUB_OFFLINE": "0",
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, "-m", "spacy_medmtl.cli", "push", str(pipeline), "clinic/en_x", *options]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=600)


@pytest.fixture
def pipeline(tmp_path):
    nlp = spacy.blank("en", meta={"name": "x", "version": "1.0.0", "license": "MIT"})
    nlp.add_pipe("medmtl_sentences")
    nlp.to_disk(tmp_path / "p")
    return tmp_path / "p"


def test_the_hub_gets_every_file_and_a_card(hub, pipeline, tmp_path):
    result = push(hub.address, pipeline, RIGHT, tmp_path / "home")
    assert result.returncode == 0, result.stderr
    assert RIGHT not in result.stdout + result.stderr
    created = hub.created[0]
    assert created.get("private") or created.get("visibility") == "private"  # huggingface_hub before 2, and since
    assert f"{hub.address}/clinic/en_x/commit/1" in result.stdout
    (lines,) = hub.commits
    assert lines[0]["value"]["summary"] == "Upload with spacy-medmtl"
    got = {one["value"]["path"]: base64.b64decode(one["value"]["content"]) for one in lines if one["key"] == "file"}
    expected = {
        path.relative_to(pipeline).as_posix(): path.read_bytes() for path in pipeline.rglob("*") if path.is_file()
    }
    card = got.pop("README.md").decode()
    assert {name: content for name, content in got.items() if content} == {n: c for n, c in expected.items() if c}
    assert card.startswith("---\n")
    assert "license: mit" in card
    assert not (pipeline / "README.md").exists()


def test_a_wrong_token_is_told_by_code_and_not_repeated(hub, pipeline, tmp_path):
    result = push(hub.address, pipeline, "hf_wrongwrongwrong", tmp_path / "home", "--public")
    assert result.returncode == 1
    assert "[MEDMTL-E507]" in result.stderr
    assert "401" in result.stderr
    assert "wrongwrong" not in result.stdout + result.stderr
    assert not hub.commits


@pytest.mark.parametrize("failing", [("/commit/", 409), ("/create", 500)])
def test_what_the_hub_refuses_is_told_by_code(hub, pipeline, tmp_path, failing):
    hub.failing = failing
    result = push(hub.address, pipeline, RIGHT, tmp_path / "home")
    assert result.returncode == 1
    assert "[MEDMTL-E507]" in result.stderr
    assert f"HTTP status {failing[1]}" in result.stderr
    assert "Traceback" not in result.stderr
    assert RIGHT not in result.stdout + result.stderr


def test_a_repository_that_is_there_gets_a_new_commit(hub, pipeline, tmp_path):
    hub.failing = ("/create", 409)
    result = push(hub.address, pipeline, RIGHT, tmp_path / "home")
    assert result.returncode == 0, result.stderr
    assert len(hub.commits) == 1


def test_no_hub_is_told_by_code(pipeline, tmp_path):
    with socket.socket() as unused:  # bound and not listening: connections are refused
        unused.bind(("127.0.0.1", 0))
        result = push(f"http://127.0.0.1:{unused.getsockname()[1]}", pipeline, RIGHT, tmp_path / "home")
    assert result.returncode == 1
    assert "[MEDMTL-E507]" in result.stderr
    assert "Traceback" not in result.stderr
    assert RIGHT not in result.stdout + result.stderr
