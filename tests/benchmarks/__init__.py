"""How fast parts of the service are, measured; each module is a program."""
