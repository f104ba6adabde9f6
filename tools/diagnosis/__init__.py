"""Where a variant leaves the reference, node by node."""
