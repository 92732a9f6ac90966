"""Many tasks through the real service while its parts are killed in turn, and what must be true afterwards."""
