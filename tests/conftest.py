"""Shared fixtures: a tiny BERT made on the spot (nothing is downloaded), pipelines on it, small gold Docs."""

import ipaddress
import os
import socket
import string
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"

import pytest
import spacy
import torch
from hypothesis import settings
from spacy.language import Language
from thinc.api import fix_random_seed
from toy import CASES

settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")

ROUTES = [case.factory for case in CASES]
WORDS = "no the a has fever cough pain chest left knee denies any and but mother with is fine hello thanks".split()


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a 2-layer, 32-wide BERT: config.json, tokenizer.json, model.safetensors."""
    return make_tiny_encoder(tmp_path_factory.mktemp("encoder"))


def make_tiny_encoder(folder: Path) -> Path:
    from transformers import BertConfig, BertModel

    from spacy_medmtl.encoder.tokenizer_files import wordpiece_tokenizer, write_tokenizer

    characters = string.ascii_lowercase + string.digits + string.punctuation
    pieces = ["[PAD]", "[unused1]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *characters, *WORDS]
    pieces += [f"##{character}" for character in string.ascii_lowercase + string.digits]
    pieces = list(dict.fromkeys(pieces))
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(pieces),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=128,
    )
    BertModel(config).save_pretrained(folder)
    write_tokenizer(wordpiece_tokenizer(pieces), folder)
    return folder


@pytest.fixture(autouse=True, scope="session")
def _no_network() -> Iterator[None]:
    """A test that connects to another machine, or asks for its address, fails. Ones with a process of their own are
    not watched."""

    def guarded(call: Callable[..., Any]) -> Callable[..., Any]:
        def connect(self: socket.socket, address: Any) -> Any:
            if self.family in (socket.AF_INET, socket.AF_INET6) and not is_loopback(address[0]):
                pytest.fail(f"a connection to {address[0]} was opened")
            return call(self, address)

        return connect

    def getaddrinfo(host: Any, *arguments: Any, **named: Any) -> Any:
        if not is_loopback(host):
            pytest.fail(f"the address of {host} was asked for")
        return ask(host, *arguments, **named)

    ask = socket.getaddrinfo
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded(socket.socket.connect))
        patch.setattr(socket.socket, "connect_ex", guarded(socket.socket.connect_ex))
        patch.setattr(socket, "getaddrinfo", getaddrinfo)
        yield


def is_loopback(host: str | bytes | None) -> bool:
    """Whether a name or a number is this machine's; no host at all is."""
    name = host.decode() if isinstance(host, bytes) else host
    if name in (None, "", "localhost"):
        return True
    try:
        return ipaddress.ip_address(str(name)).is_loopback
    except ValueError:
        return False


@pytest.fixture(autouse=True)
def _seeded() -> None:
    fix_random_seed(0)
    torch.set_num_threads(1)


def encoder_config(routes: list[str] | None = None, sharing: str = "progressive_rule", **model: object) -> dict:
    """Config of the encoder component for tests: small windows."""
    return {
        "model": {
            "@architectures": "spacy-medmtl.ProgressiveTransformer.v1",
            "routes": routes or ROUTES,
            "sharing": {"@misc": f"spacy-medmtl.{sharing}.v1"},
            "window": 64,
            "stride": 48,
            **model,
        }
    }


@pytest.fixture(scope="session")
def encoder_settings() -> Callable[..., dict]:
    """``encoder_config``, for test files (which cannot import this one by name)."""
    return encoder_config


@pytest.fixture(scope="session")
def make_nlp(tiny_encoder: Path) -> Callable[..., Language]:
    """Build an uninitialised pipeline ``[sentencizer, encoder, *heads]`` on the tiny encoder.

    heads: factory names, or (factory, name, config) tuples. encoder: see ``encoder_config``; by default its routes are
    those that the heads read.
    """

    def make(*heads: object, encoder: dict | None = None) -> Language:
        parts = [(head, head, {}) if isinstance(head, str) else head for head in heads]
        read = [config.get("model", {}).get("tok2vec", {}).get("route", factory) for factory, _, config in parts]  # type: ignore[misc]
        routes = [route for route in ROUTES if route in read]
        nlp = spacy.blank("en")
        nlp.add_pipe("sentencizer")
        nlp.add_pipe("medmtl_progressive_tok2vec", name="encoder", config=encoder or encoder_config(routes))
        for factory, name, config in parts:  # type: ignore[misc]
            nlp.add_pipe(factory, name=name, config=config)
        loader = {"@misc": "spacy-medmtl.local_encoder.v1", "path": str(tiny_encoder)}
        nlp.config["initialize"]["components"]["encoder"] = {"loader": loader}
        return nlp

    return make
