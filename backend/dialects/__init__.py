"""The contracts' envelopes, one file each. Each says how success and failure are written, nothing more."""
