"""The GPU tier: hint in, file and row out. Never imports flask or backend."""

NODE_VARIABLE = "DARKROOM_NODE"  # how a worker's parent tells its children which node they are of
