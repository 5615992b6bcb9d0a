"""Where samples come from, how they are split, and how what was prepared is kept."""
