"""What keeps a model up to date: what is new since it was trained, and whether that suffices."""
