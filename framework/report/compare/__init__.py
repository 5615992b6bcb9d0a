"""Configurations of any number of studies, by net and method, over their seeds."""
