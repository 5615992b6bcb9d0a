"""Nets trained anew, on validation and on test: their rows, tables and page."""
