"""Training: losses, the fit loop, and the arms of a comparison."""
