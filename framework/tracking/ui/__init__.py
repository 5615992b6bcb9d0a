"""What the MLflow UI shows of a study, and the command that starts it."""
