"""The rules that hold across modules: who imports whom, and what must say the same in two places."""
