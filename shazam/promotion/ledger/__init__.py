"""The ledger: an append-only chain of signed entries."""
