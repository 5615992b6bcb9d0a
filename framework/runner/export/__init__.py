"""Studies in the form of other tools."""
