"""The only place that knows ZenML, MLflow, DVC and Great Expectations."""
