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
    return measured_medians({key: timed(call, clock) for key, call in calls.items()}, repeats, warm_up=warm_up)


def measured_medians(
    measures: Mapping[Key, Callable[[], float]], repeats: int, *, warm_up: int = 0
) -> dict[Key, float]:
    """The same of what says itself how many seconds it took: work in another process does."""
    seconds: dict[Key, list[float]] = {key: [] for key in measures}
    for turn in range(repeats + warm_up):
        for key, measure in measures.items():
            taken = measure()
            if turn >= warm_up:
                seconds[key].append(taken)
    return {key: statistics.median(values) for key, values in seconds.items()}


def timed(call: Callable[[], Any], clock: Callable[[], float] = time.process_time) -> Callable[[], float]:
    """A call that returns the seconds which it took."""

    def measure() -> float:
        start = clock()
        call()
        return clock() - start

    return measure
