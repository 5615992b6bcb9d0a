"""Where samples come from, how they are split, and how the arrays are cached."""
