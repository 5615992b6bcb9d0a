"""What a report takes of a store with many runs: the store, made in seconds, and the seconds."""
