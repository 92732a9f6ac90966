"""What the contracts at the root take and give."""
