"""Figures for a paper: a column wide, fonts embedded, the same bytes for the same data."""
