"""Measurements of the framework itself, and one of its tests.

Each runs from the project's folder as a module: `python -m benchmarks.latency lenet5_prune`.
"""
