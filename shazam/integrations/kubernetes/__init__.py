"""Kubernetes: a run's pods, the stack that starts them, and what a cluster lacks for them."""
