"""Real workers: killed at random moments, and what trials cost and hold."""
