"""Timing of variants in turns, so that whatever else the machine does falls on all of them."""

import statistics
import time
from typing import Any, Callable, Dict, List, Mapping, TypeVar

Key = TypeVar("Key")


def medians(calls: Mapping[Key, Callable[[], Any]], repeats: int, *, warm_up: int) -> Dict[Key, float]:
    """Median seconds of each call over ``repeats`` turns, after ``warm_up`` turns that do not count."""
    seconds: Dict[Key, List[float]] = {key: [] for key in calls}
    for turn in range(repeats + warm_up):
        for key, call in calls.items():
            start = time.perf_counter()
            call()
            if turn >= warm_up:
                seconds[key].append(time.perf_counter() - start)
    return {key: statistics.median(values) for key, values in seconds.items()}
