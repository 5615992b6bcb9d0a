"""What a sample becomes before a net reads it: tokens, pictures, spectrograms, digits."""
