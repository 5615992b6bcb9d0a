"""Disk, host and locks of this machine."""
