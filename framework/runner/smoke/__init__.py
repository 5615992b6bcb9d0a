"""A smoke test of a study: every kind of its trials once, on a few samples, in a child process."""
