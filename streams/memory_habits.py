"""How a worker's process treats memory: what a batch frees, the next one takes again.

A batch's arrays are larger than what glibc keeps by itself: each would be given back to the kernel and faulted in
again, page by page (*measured*: half of the time that booking took). What is loaded at the start lives as long
as the worker, so the collector need not look at it, nor run for thousands of short-lived facts a batch.
"""

from __future__ import annotations

import ctypes
import gc
from typing import Final

#: Most freed memory that the process keeps at hand; a batch's own is bounded far below.
_KEPT_BYTES: Final = 128 * 1024 * 1024
# parameters of mallopt(3)
_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3


def settle() -> None:
    """Take up these habits; call once, when all modules are loaded."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # other C libraries than glibc have none
    if mallopt is not None:
        mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES)
        mallopt(_M_MMAP_THRESHOLD, 32 * 1024 * 1024)  # the most that it takes
