"""Does everything in a bundle fit everything else: every figure recomputed, every name held against where it stands."""
