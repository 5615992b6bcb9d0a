"""The table of docs/saved-nets.md: which layers are read, compressed and exported."""
