"""How much of the device's memory is in use, for Prometheus.

Only the thread that owns the device asks: while a device hangs, any other would wait with it.
"""

import torch

from shared.tallies import DEVICE_MEMORY


def note_memory(device: str) -> None:
    """What is in use now, and was at the most since this was called last; nothing on the processor."""
    used = {"allocated": 0, "reserved": 0}
    if device == "cuda":
        peak = torch.cuda.max_memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        used = {"allocated": torch.cuda.memory_allocated(), "reserved": torch.cuda.memory_reserved(), "peak": peak}
    elif device == "mps":
        used = {
            "allocated": torch.mps.current_allocated_memory(),
            "reserved": torch.mps.driver_allocated_memory(),
        }
    for part, size in used.items():
        DEVICE_MEMORY.set(part, value=size)
