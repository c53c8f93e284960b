"""What a new project is to be, checked before anything is written."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import srsly

from ..corpora.reader import get_reader
from ..corpora.run import blank_pipeline
from ..errors import MedmtlError

SAMPLE = "sample"
SAMPLE_FOLDER = Path(__file__).parents[2] / "assets" / "sample"  # of a copy of the repository
TASKS = ("sentence_intent", "pair_relation", "sru_nested_ner", "cpncf_assertion")  # easy to hard
SHARING = ("progressive", "shared", "separate", "mmoe")
MINILM = "minilm"
WINDOW = 192
_HUB_NAME = re.compile(r"[\w.-]+(/[\w.-]+)?")


@dataclass(frozen=True)
class Source:
    """A corpus of the project: the reader that converts it, and where it lies."""

    reader: str
    path: Path

    @property
    def tasks(self) -> list[str]:
        """The tasks that it can train, easy to hard."""
        return [task for task in TASKS if task in get_reader(self.reader).tasks]


@dataclass(frozen=True)
class Answers:
    """sources: by the name of their corpus. encoder: ``minilm``, an encoder's folder, or a name on the hub."""

    lang: str
    sources: dict[str, Source]
    tasks: tuple[str, ...]
    encoder: str = MINILM
    sharing: str = SHARING[0]
    gpu_id: int = -1

    def checked(self) -> "Answers":
        """Itself. Raises MedmtlError E404 or E406 for the first answer that cannot be."""
        blank_pipeline(self.lang)
        trainable = self.trainable()
        if not self.tasks or not set(self.tasks) <= set(trainable):
            raise MedmtlError("E404", option="--task", received=list(self.tasks), expected=f"some of {trainable}")
        pairs = sorted({_pair_kind(source) for source in self.sources.values() if "pair_relation" in source.tasks})
        if "pair_relation" in self.tasks and len(pairs) > 1:
            expected = "sources whose pairs are of one kind, or tasks without pair_relation"
            raise MedmtlError("E404", option="--data", received=pairs, expected=expected)
        if self.sharing not in SHARING:
            raise MedmtlError("E404", option="--sharing", received=self.sharing, expected=f"one of {list(SHARING)}")
        is_hub_name = not Path(self.encoder).exists() and _HUB_NAME.fullmatch(self.encoder)
        if self.encoder != MINILM and not is_encoder_folder(self.encoder) and not is_hub_name:
            expected = "'minilm', a folder with config.json and model.safetensors, or a model's name on the hub"
            raise MedmtlError("E404", option="--encoder", received=self.encoder, expected=expected)
        return self

    def trainable(self) -> list[str]:
        """The tasks that the sources can train, easy to hard."""
        return [task for task in TASKS if any(task in source.tasks for source in self.sources.values())]

    @property
    def pair_kind(self) -> str:
        """What is related: ``adjacent`` sentences, the ``segment`` texts of a pair (or ``scored segment``), ``entity``
        pairs."""
        return next(
            (_pair_kind(source) for source in self.sources.values() if "pair_relation" in source.tasks), "adjacent"
        )

    @property
    def n_layers(self) -> int | None:
        """Layers of the encoder where its config.json is at hand."""
        if self.encoder == MINILM:
            return 6
        return self._number("num_hidden_layers") or self._number("n_layers")

    @property
    def window(self) -> int:
        """Wordpieces to read at once: 192, or as many as the encoder can, where its config.json is at hand."""
        return min(WINDOW, self._number("max_position_embeddings") or WINDOW)

    def _number(self, name: str) -> int | None:
        config = srsly.read_json(Path(self.encoder) / "config.json") if is_encoder_folder(self.encoder) else None
        value = config.get(name) if isinstance(config, dict) else None
        return value if isinstance(value, int) else None


def read_sources(texts: Sequence[str]) -> dict[str, Source]:
    """``sample``, or READER=PATH for each corpus of one's own. Raises MedmtlError E403 for an unknown reader, E404 for
    one of published corpora and for a path that is not there."""
    sources: dict[str, Source] = {}
    for text in texts:
        reader, _, place = text.partition("=")
        path = Path(place) if place else SAMPLE_FOLDER if reader == SAMPLE else None
        if get_reader(reader).folder or path is None or not path.exists():
            expected = (
                "FORMAT=PATH, a PATH that is there and a FORMAT of one's own data (brat, prodigy, csv_sentences, ...), "
                "or 'sample', where this package was installed by 'pip install -e' from a copy of the repository"
            )
            raise MedmtlError("E404", option="--data", received=text, expected=expected)
        name = reader if reader not in sources else f"{reader}_{sum(key.startswith(reader) for key in sources) + 1}"
        sources[name] = Source(reader, path)
    return sources


def is_encoder_folder(path: str) -> bool:
    """Whether an encoder's config and weights lie there."""
    try:
        config = srsly.read_json(Path(path) / "config.json")
    except (OSError, ValueError):  # none, or no JSON
        return False
    return isinstance(config, dict) and any(Path(path).glob("*.safetensors"))


def _pair_kind(source: Source) -> str:
    if source.reader == SAMPLE:
        return "adjacent"
    return {"csv_pairs": "segment", "csv_scores": "scored segment"}.get(source.reader, "entity")
