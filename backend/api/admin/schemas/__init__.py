"""What administrators send and get; one file a topic."""
