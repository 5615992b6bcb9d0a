"""What is said of a study besides its numbers."""
