"""The GPU tier: hint in, file and row out. Never imports flask or backend."""
