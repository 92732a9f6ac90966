"""What administrators may do and see; each action leaves an entry in the audit log."""
