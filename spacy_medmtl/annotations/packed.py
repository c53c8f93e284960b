"""Span groups as spaCy's ``DocBin`` stores them, packed and unpacked by one packer for all Docs.

spaCy makes a packer for each Doc and each group, and srsly looks through the registries of all installed packages for
each of those, which takes most of the time of reading a file.
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from spacy.tokens import Doc, DocBin, Span, SpanGroup
from spacy.vocab import Vocab
from srsly.msgpack import Packer, Unpacker

from .steady import SPAN

_NO_GROUPS = b"\x90"  # an empty list, which spaCy writes for a Doc without groups
_SPAN = struct.Struct(SPAN)


class GroupPacker:
    """What ``doc.spans.to_bytes()`` and ``from_bytes()`` do, for many Docs."""

    def __init__(self) -> None:
        self.packed = Packer(use_bin_type=True).pack  # of any value
        self._unpacker: Any = Unpacker(raw=False, strict_map_key=False)

    def pack(self, doc: Doc) -> bytes:
        """The groups of a Doc, the bytes of each with the keys under which it stands."""
        keys_by_group: dict[bytes, list[str]] = {}
        for key, group in doc.spans.items():
            spans = [
                _SPAN.pack(span.id, span.kb_id, span.label, span.start, span.end, span.start_char, span.end_char)
                for span in group
            ]
            packed = self.packed({"name": group.name, "attrs": group.attrs, "spans": spans})
            keys_by_group.setdefault(packed, []).append(key)
        return bytes(self.packed(keys_by_group)) if keys_by_group else _NO_GROUPS

    def unpack(self, doc: Doc, packed: bytes) -> None:
        """Give a Doc its groups. Raises what spaCy and srsly raise for damaged bytes."""
        keys_by_group = self._unpacked(packed) if packed and packed != _NO_GROUPS else {}
        if isinstance(keys_by_group, list):  # as spaCy wrote them before version 3.3
            doc.spans.from_bytes(packed)
            return
        for group_bytes, keys in keys_by_group.items():
            content = self._unpacked(group_bytes)
            spans: list[Span] = []
            for row in content["spans"]:
                span_id, kb_id, label, start, end, _, _ = _SPAN.unpack(row)
                spans.append(Span(doc, start, end, label=label, kb_id=kb_id, span_id=span_id))
            group = SpanGroup(doc, name=content["name"], attrs=content["attrs"], spans=spans)
            for key in keys:
                doc.spans[key] = group if key == keys[0] else group.copy()

    def _unpacked(self, packed: bytes) -> Any:
        self._unpacker.feed(packed)
        return self._unpacker.unpack()


def read_docs(path: Path, vocab: Vocab) -> Iterator[Doc]:
    """The Docs of a ``.spacy`` file, as ``DocBin`` gives them. Raises what spaCy, srsly and zlib raise for a damaged
    one."""
    docs, packer = DocBin().from_disk(path), GroupPacker()
    groups, docs.span_groups = docs.span_groups, [_NO_GROUPS] * len(docs)
    for doc, packed in zip(docs.get_docs(vocab), groups, strict=True):
        packer.unpack(doc, packed)
        yield doc
