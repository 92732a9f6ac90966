"""The kinds of task over diffusers, one file each."""
