"""Looking after a project: doctor, cache, forgetting, new files."""
