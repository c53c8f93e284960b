"""What a head saves beside its weights: what it learnt, and fingerprints that tell whether the two belong together.

A label list in another order, or the weights of another head, would load without an error and predict nonsense.
"""

import hashlib
import json
import math
from collections.abc import Collection, Mapping
from typing import Any

from thinc.api import Model

from ..errors import MedmtlError

SETTINGS_FILE, WEIGHTS_FILE = "cfg", "model"  # spaCy's own names for what a trainable component writes


def route_of(model: Model) -> str | None:
    """The route along which a component's model reads an encoder of this package, if it does."""
    return next((str(node.attrs["route"]) for node in model.walk() if "route" in node.attrs), None)


def with_fingerprints(learnt: Mapping[str, Any], model: Model, weights: bytes) -> dict[str, Any]:
    """What is saved of a component: ``learnt``, its route, the checksum of its weights, and a fingerprint of all."""
    saved = {**learnt, "route": route_of(model), "weights": hashlib.sha256(weights).hexdigest()}
    return {**saved, "fingerprint": fingerprint(saved)}


def fingerprint(saved: Mapping[str, Any]) -> str:
    """A checksum over all entries but itself."""
    content = {name: value for name, value in saved.items() if name != "fingerprint"}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def read_saved(text: bytes | str, expected: Collection[str], *, name: str, where: str) -> dict[str, Any]:
    """What ``with_fingerprints`` gave, from JSON.

    expected: names of what was learnt. name: of the component. where: the file that it comes from, for errors.

    Raises MedmtlError E208 where it is damaged, was changed, or holds a temperature that is no positive number.
    """
    try:
        saved = json.loads(text)
        labels = saved["labels"] if "labels" in expected else []
        temperatures = saved.get("temperatures", {})
        # asked inside the try: what is no JSON object fails on the way, and that too is damage
        is_right = isinstance(labels, list) and all(isinstance(label, str) for label in labels)
        is_right = is_right and len(set(labels)) == len(labels)
        numbers = [float(value) for value in temperatures.values()]
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise MedmtlError("E208", path=where, name=name, problem=f"cannot be read ({type(error).__name__})") from error
    if not is_right:
        raise MedmtlError("E208", path=where, name=name, problem="holds no list of labels, each once")
    if not all(math.isfinite(number) and number > 0.0 for number in numbers):
        raise MedmtlError("E208", path=where, name=name, problem="holds a temperature that is no positive number")
    if "fingerprint" in saved and saved["fingerprint"] != fingerprint(saved):  # 0.1.0 wrote none
        raise MedmtlError("E208", path=where, name=name, problem="is not as it was saved: its fingerprint differs")
    return dict(saved)


def check_route(saved: Mapping[str, Any], model: Model, *, name: str, where: str) -> None:
    """Raises MedmtlError E208 where a component was trained along another route than its config names."""
    trained, now = saved.get("route"), route_of(model)
    # a stock tok2vec layer has no route
    if trained is not None and now is not None and trained != now:
        problem = f"is of a component that was trained along the route '{trained}', and the config says '{now}'"
        raise MedmtlError("E208", path=where, name=name, problem=problem)


def load_weights(model: Model, weights: bytes, saved: Mapping[str, Any], *, where: str) -> None:
    """Read the weights into the model. where: the file that they come from.

    Raises MedmtlError E018 where they are not those that were saved with the labels, or cannot be read.
    """
    if "weights" in saved and hashlib.sha256(weights).hexdigest() != saved["weights"]:
        problem = "their checksum is not the one that was saved with the labels"
        raise MedmtlError("E018", name=where, size=len(weights), problem=problem)
    try:
        model.from_bytes(weights)
    except MedmtlError:
        raise
    except Exception as error:  # thinc and msgpack raise many kinds
        problem = f"{type(error).__name__}: {' '.join(str(error).split())[:120]}"
        raise MedmtlError("E018", name=where, size=len(weights), problem=problem) from error
