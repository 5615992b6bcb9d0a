"""Runs on a Ray cluster: which nodes there are, one slot of theirs, and what goes there.

`joining` finds or starts the cluster, `nodes` follows who comes and goes, `slot` is a worker as
the coordinator sees it, `hand` the same on its node.
"""
