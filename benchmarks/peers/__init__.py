"""Ours against the script that a competent user writes from the libraries' documentation."""
