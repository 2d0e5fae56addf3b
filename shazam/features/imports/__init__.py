"""Features made by other tools: readers, and the import into the workspace."""
