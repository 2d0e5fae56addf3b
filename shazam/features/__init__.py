"""Features: extraction per teacher and slide, the HDF5 store, bags for training."""
