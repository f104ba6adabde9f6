"""Writing evidence bundles."""
