"""Matrix products in bfloat16, where the hardware has them: about twice as fast, with float32 weights and results."""

import contextlib
from contextlib import AbstractContextManager
from typing import Any

import torch

LOWERED = ("cpu", "cuda")  # devices on which a block may be computed in bfloat16


def has_bfloat16(device: torch.device) -> bool:
    """Whether a device multiplies matrices in bfloat16 natively: GPUs from Ampere on, CPUs with AVX512-BF16 or AMX.

    Others only imitate it, several times slower than float32.
    """
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device)[0] >= 8
    features: Any = torch.cpu
    checks = (getattr(features, name, None) for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"))
    return device.type == "cpu" and any(check is not None and check() for check in checks)


def computing(device: torch.device, mixed_precision: bool) -> AbstractContextManager[Any]:
    """A block that computes in bfloat16 what bears it, if that is wanted and native."""
    if mixed_precision and has_bfloat16(device):
        return torch.autocast(device.type, dtype=torch.bfloat16)
    return contextlib.nullcontext()


def exact(device: torch.device) -> AbstractContextManager[Any]:
    """A block in float32, whatever is around it: for small products that much depends on."""
    return torch.autocast(device.type, enabled=False) if device.type in LOWERED else contextlib.nullcontext()
