"""What both tiers agree on: settings, rows, hints, leases, files. Imports neither tier, no flask, no torch."""
