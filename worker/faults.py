"""What an error says of the device: that its memory is full, or that nothing will work on it in this process any more.

Libraries tell it by type or only by text: torch has a type of its own for its allocator and none for cuBLAS, cuDNN and
the processor's memory.
"""

import torch

EXHAUSTED = (torch.OutOfMemoryError, MemoryError)
SAYS_EXHAUSTED = ("out of memory", "STATUS_ALLOC_FAILED", "DefaultCPUAllocator", "Invalid buffer size")


def is_exhausted(error: BaseException) -> bool:
    """Whether it is for want of memory, the device's or the host's: with less to do it may work."""
    if isinstance(error, EXHAUSTED):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in SAYS_EXHAUSTED)


def is_broken(error: BaseException) -> bool:
    """Whether the device has failed, by an illegal access or an assertion: each call after that one fails too."""
    return isinstance(error, torch.AcceleratorError) and not is_exhausted(error)


def is_of_device(error: BaseException) -> bool:
    """Whether it says nothing of the model or file that was at hand."""
    return is_exhausted(error) or is_broken(error)
