"""The study loop, its trials and their baselines."""
