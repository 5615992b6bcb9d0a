"""What a run yields: records, their names in the store, fronts."""
