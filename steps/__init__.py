"""ZenML steps: adapters that take refs, call the library and return a ref."""
