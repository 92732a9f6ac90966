"""What v1 takes and gives, as its document has it; one file a topic."""
