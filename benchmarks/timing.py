"""Timing of variants in turns, so that whatever else the machine does falls on all of them."""

import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

Key = TypeVar("Key")


def medians(
    calls: Mapping[Key, Callable[[], Any]],
    repeats: int,
    *,
    warm_up: int,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[Key, float]:
    """Median seconds of each call over ``repeats`` turns, after ``warm_up`` turns that do not count.

    clock: ``time.process_time`` where other programs keep the machine busy; it takes all threads together.
    """
    seconds: dict[Key, list[float]] = {key: [] for key in calls}
    for turn in range(repeats + warm_up):
        for key, call in calls.items():
            start = clock()
            call()
            if turn >= warm_up:
                seconds[key].append(clock() - start)
    return {key: statistics.median(values) for key, values in seconds.items()}
