"""Taking pictures of pages: a browser without a window."""
