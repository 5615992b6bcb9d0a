"""What training on does to a net that is not compressed."""
