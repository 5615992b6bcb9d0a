"""What MLflow's client has no call for, or takes many for, done with MLflow's own tables."""
