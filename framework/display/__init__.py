"""What people are shown of studies and runs."""
