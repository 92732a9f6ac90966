"""Stand-ins for what is slow or far away."""
