"""The store of runs: the only place that knows MLflow."""
