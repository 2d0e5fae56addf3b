"""Kubeflow Pipelines: the steps of a run as its tasks, with what their pods need."""
