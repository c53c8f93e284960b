"""``medmtl serve``: results, limits, and that no text is repeated or logged; and the mapping to FHIR."""

import logging
import re
import threading

import lxml.html
import pytest
import spacy
from readable import assert_readable
from spacy.language import Language
from spacy.tokens import Doc, Span

from spacy_medmtl.annotations.groups import ENTITIES, FINDINGS, write_group
from spacy_medmtl.serving.fhir import fhir_bundle

SECRET = "Sekretova"


READERS = set()  # the threads that have read a note


@Language.component("test_service_findings")
def find(doc):
    READERS.add(threading.get_ident())
    if any(token.text == "boom" for token in doc):
        raise RuntimeError(f"cannot take {doc.text}")
    spans = [Span(doc, token.i, token.i + 1, label="Problem") for token in doc if token.text == "cough"]
    write_group(doc, FINDINGS, spans, assertion=["negative"] * len(spans), scores=[0.9] * len(spans))
    return doc


@pytest.fixture(scope="module")
def nlp():
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    nlp.add_pipe("test_service_findings")
    return nlp


@pytest.fixture(scope="module")
def client(nlp):
    pytest.importorskip("fastapi")
    testclient = pytest.importorskip("starlette.testclient")
    from spacy_medmtl.serving.app import Limits, make_app

    app = make_app(nlp, Limits(characters=1000, notes=3))
    return testclient.TestClient(app, raise_server_exceptions=False)


def test_one_note_and_several(client):
    one = client.post("/annotate", json={"text": "No cough. Fine."}).json()
    assert one["findings"][0] | {"text": "cough", "negated": True, "start": 3} == one["findings"][0]
    assert len(one["sentences"]) == 2
    notes = [{"text": "a cough", "id": "x"}, {"text": ""}, {"text": f"{SECRET} boom"}]
    many = client.post("/annotate", json={"notes": notes}).json()["notes"]
    assert [note["id"] for note in many] == ["x", "1", "2"]
    assert len(many[0]["findings"]) == 1
    assert [note["error"]["code"] for note in many[1:]] == ["E519", "E515"]
    assert SECRET not in str(many)


def test_half_a_surrogate_pair_is_lost_alone(client):
    """spaCy's tokenizer raises on it."""
    body = b'{"notes": [{"text": "a cough"}, {"text": "Sekretova \\ud800"}, {"text": "no cough"}]}'
    answer = client.post("/annotate", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 200
    assert SECRET not in answer.text
    first, lost, last = answer.json()["notes"]
    assert lost["error"]["code"] == "E522"
    assert len(first["findings"]) == len(last["findings"]) == 1


def test_an_id_that_cannot_come_back_is_refused(client):
    body = b'{"notes": [{"text": "a cough", "id": "x"}, {"text": "a cough", "id": "\\ud800"}]}'
    answer = client.post("/annotate", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (422, "E532")
    assert "body.notes.1.id" in answer.json()["detail"]


def test_health_info_and_the_pages(client):
    assert client.get("/health").json() == {"status": "ok"}
    info = client.get("/info").json()
    assert info["limits"] == {"characters": 1000, "notes": 3}
    assert info["components"] == ["sentencizer", "test_service_findings"]
    assert info["columns"]["findings"][0] == "doc_id"
    assert_readable(client.get("/").text)
    assert "cough: finding Problem, negative" in client.post("/view", json={"text": "no cough"}).text
    assert "/annotate" in client.get("/openapi.json").json()["paths"]
    assert client.get("/redoc").status_code == 404  # it would load a picture from elsewhere


@pytest.mark.parametrize("root", ["", "/nlp"])
def test_pages_ask_their_own_service_only(client, root):
    """What a page names is served here, at the path of a proxy too; what its scripts name, a browser must not load."""
    from starlette.testclient import TestClient

    behind = TestClient(client.app, root_path=root)
    for page in ("/", "/docs"):
        answer = behind.get(root + page)  # uvicorn puts the path that a proxy took off in front again
        named = [str(place) for _, _, place, _ in lxml.html.fromstring(answer.text).iterlinks()]
        assert named
        for place in named:
            own = place if place.startswith("/") else f"{root}/{place}"
            assert re.match(f"{root}/[^/]", own), place
            assert behind.get(own).status_code == 200, place
        policy = dict(rule.split(" ", 1) for rule in answer.headers["content-security-policy"].split("; "))
        assert policy.pop("default-src") == "'none'"
        assert set(" ".join(policy.values()).split()) == {"'none'", "'self'", "'unsafe-inline'", "data:"}
    assert f"url: '{root}/openapi.json'" in behind.get(f"{root}/docs").text


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"text": f"{SECRET} " * 200}, 413),
        ({"notes": [{"text": SECRET}] * 4}, 413),
        ({"text": SECRET, "notes": []}, 422),
        ({"note": SECRET}, 422),
        ({"text": [SECRET]}, 422),
        ({"notes": SECRET}, 422),
        ({"text": SECRET, "format": SECRET}, 422),
    ],
)
def test_what_does_not_fit_is_refused_without_repeating_it(client, caplog, body, status):
    with caplog.at_level(logging.DEBUG):
        answer = client.post("/annotate", json=body)
    assert answer.status_code == status
    assert SECRET not in answer.text + caplog.text


def test_bodies_are_limited_before_they_are_read(client):
    answer = client.post("/annotate", content=b"x" * 100, headers={"Content-Length": "99999999"})
    assert (answer.status_code, answer.json()["code"]) == (413, "E531")
    answer = client.post("/annotate", content=iter([b"x"]))
    assert (answer.status_code, answer.json()["code"]) == (411, "E530")


@pytest.mark.parametrize(
    ("content", "headers", "status", "says"),
    [
        (b'{"text": "a"}', {"Content-Type": "text/plain"}, 422, "Content-Type is not application/json"),
        (b"text=a", {"Content-Type": "application/x-www-form-urlencoded"}, 422, "Content-Type"),
        ('{"text": "caf\xe9"}'.encode("latin-1"), {}, 400, "no JSON in UTF-8"),
        (b"[" * 9000 + b"]" * 9000, {}, 400, "no JSON in UTF-8"),
        (b'{"text": ' + b"9" * 6000 + b"}", {}, 400, "no JSON in UTF-8"),
        (b"\x1f\x8b\x08\x00", {"Content-Encoding": "gzip"}, 400, "no JSON in UTF-8"),
        (b'{"notes": [{"text": "a", "id": "\\ud800"}]}', {}, 422, "body.notes.0.id"),
        (b'{"text": NaN}', {}, 422, "body.text"),
    ],
)
def test_bodies_that_are_no_request_get_a_code(client, content, headers, status, says):
    answer = client.post("/annotate", content=content, headers={"Content-Type": "application/json", **headers})
    assert answer.status_code == status
    assert answer.json()["code"] == "E532"
    assert says in answer.json()["detail"]


def test_half_a_surrogate_pair_is_not_drawn(client):
    body = b'{"text": "a \\ud800"}'
    answer = client.post("/view", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    assert answer.json()["code"] == "E522"


def test_a_length_of_thousands_of_digits(client):
    answer = client.post("/annotate", content=b"{}", headers={"Content-Length": "9" * 5000})
    assert answer.status_code == 413
    assert answer.json()["code"] == "E531"


def test_a_failure_is_logged_by_its_kind_only(client, caplog):
    with caplog.at_level(logging.DEBUG):
        answer = client.post("/view", json={"text": f"{SECRET} boom"})
    assert answer.status_code == 500
    assert "RuntimeError" in caplog.text
    assert SECRET not in answer.text + caplog.text


def test_a_failure_does_not_reach_the_server(client):
    """uvicorn logs the message and the traceback of what does."""
    from starlette.testclient import TestClient

    answer = TestClient(client.app, raise_server_exceptions=True).post("/view", json={"text": f"{SECRET} boom"})
    assert (answer.status_code, answer.json()["code"]) == (500, "E533")
    assert answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("path", "body"),
    [("/annotate", {}), ("/annotate", {"format": "fhir"}), ("/view", {}), ("/view", {"text": f"{SECRET} boom"})],
)
def test_words_of_notes_are_not_kept(client, nlp, path, body):
    """Else memory would grow with each new word."""
    client.post(path, json={"text": "No cough.", **body})
    known = set(nlp.vocab.strings)
    client.post(path, json={"text": f"{SECRET} has no cough since 17/03/1952.", **body})
    assert SECRET not in nlp.vocab.strings
    assert set(nlp.vocab.strings) == known


def test_many_threads_get_their_own_results_from_one(client):
    """One reads for all: each other would keep memory of its own."""
    from concurrent.futures import ThreadPoolExecutor

    def count(n):
        answer = client.post("/annotate", json={"text": "cough " * n, "format": "rows"})
        return len(answer.json()["findings"])

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(count, range(1, 25))) == list(range(1, 25))
    assert client.post("/view", json={"text": "a cough"}).status_code == 200
    assert len(READERS) == 1


def test_findings_and_entities_in_the_words_of_fhir(client):
    words = ["flu", "fever", "cough", "stroke", "asthma", "rash", "aspirin", "CT", "surgery", "knee"]
    doc = Doc(spacy.blank("en").vocab, words=words)
    judged = [
        ("positive", []),
        ("negative", []),
        ("unknown", ["uncertain"]),
        ("positive", ["historical"]),
        ("unknown", ["family"]),
        ("unknown", ["hypothetical"]),
    ]
    findings = [Span(doc, i, i + 1, label="Problem") for i in range(6)]
    write_group(
        doc,
        FINDINGS,
        findings,
        assertion=[status for status, _ in judged],
        assertion_modifiers=[held for _, held in judged],
        scores=[0.5] * 6,
    )
    labels = ["Drug", "Test", "Procedure", "Anatomy"]
    write_group(doc, ENTITIES, [Span(doc, 6 + i, 7 + i, label=label) for i, label in enumerate(labels)])
    resources = [entry["resource"] for entry in fhir_bundle(doc, "n1")["entry"]]
    told = [
        (
            one["resourceType"],
            one.get("verificationStatus", {}).get("coding", [{}])[0].get("code"),
            one.get("clinicalStatus", {}).get("coding", [{}])[0].get("code"),
        )
        for one in resources
    ]
    assert told == [
        ("Condition", "confirmed", "active"),
        ("Condition", "refuted", None),
        ("Condition", "provisional", None),
        ("Condition", "confirmed", "inactive"),
        ("FamilyMemberHistory", None, None),
        ("Condition", "unconfirmed", None),
        ("MedicationStatement", None, None),
        ("Observation", None, None),
        ("Procedure", None, None),
    ]
    source = resources[1]["extension"][0]["extension"]
    assert {part["url"].rpartition(":")[2]: next(iter(list(part.values())[1:])) for part in source} == {
        "start": 4,
        "end": 9,
        "score": 0.5,
    }
    bundle = client.post("/annotate", json={"text": "no cough", "format": "fhir"}).json()["bundle"]
    assert bundle["entry"][0]["resource"]["verificationStatus"]["coding"][0]["code"] == "refuted"


def test_help_has_an_example():
    from typer.testing import CliRunner

    from spacy_medmtl.cli import app

    assert "medmtl serve en_medmtl" in CliRunner().invoke(app, ["serve", "--help"]).output
