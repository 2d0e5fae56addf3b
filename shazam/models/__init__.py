"""Models on packed bags: pooling, gate, fusion student, heads, and their bundle on disk."""
