"""Freed memory back to the system during training on the CPU.

Batches of varying size leave holes in glibc's heap: training on two cores grew to 11 GB in 200 steps while under 1 GB
was in use. Asking for a trim now and then keeps it flat, for under 0.1 s each time.
"""

import ctypes
import ctypes.util
import functools
from typing import Any

TRIM_EVERY = 8  # training steps


@functools.lru_cache(maxsize=1)
def _libc() -> Any | None:
    """The C library if it is glibc (or any other that can trim)."""
    name = ctypes.util.find_library("c")
    library = ctypes.CDLL(name) if name else None
    return library if library is not None and hasattr(library, "malloc_trim") else None


def release_freed_memory() -> None:
    """Return free heap pages to the system; nothing where the C library cannot."""
    library = _libc()
    if library is not None:
        library.malloc_trim(0)
