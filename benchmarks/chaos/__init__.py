"""Chaos by simulation: the study loop under all that can happen to it, to be replayed by seed."""
