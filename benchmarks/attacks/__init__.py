"""Does every command bear a machine, a disk and files that are against it?

`python -m benchmarks.attacks --help`.
"""
