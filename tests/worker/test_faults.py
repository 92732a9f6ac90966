"""What errors say of the device, by type or only by text."""

import pytest
import torch

from worker.faults import is_broken, is_exhausted, is_of_device

CUBLAS = "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"
PROCESSOR = "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to"


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        torch.AcceleratorError("CUDA error: out of memory\nSearch for `cudaErrorMemoryAllocation'"),
        RuntimeError(CUBLAS),
        RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
        RuntimeError("MPS backend out of memory (MPS allocated: 17.94 GB, other allocations: 384.00 KB)"),
        RuntimeError("Invalid buffer size: 24.00 GB"),
        RuntimeError(PROCESSOR),
    ],
)
def test_a_lack_of_memory_is_told_by_type_or_by_text(error: Exception) -> None:
    assert (is_exhausted(error), is_broken(error), is_of_device(error)) == (True, False, True)


@pytest.mark.parametrize("reason", ["an illegal memory access was encountered", "device-side assert triggered"])
def test_a_device_that_has_failed_is_another_matter(reason: str) -> None:
    error = torch.AcceleratorError(f"CUDA error: {reason}")

    assert (is_exhausted(error), is_broken(error), is_of_device(error)) == (False, True, True)


@pytest.mark.parametrize(
    "error",
    [RuntimeError("mat1 and mat2 must have the same dtype"), ValueError("out of memory"), OSError("no such file")],
)
def test_everything_else_says_nothing_of_the_device(error: Exception) -> None:
    assert not is_of_device(error)
