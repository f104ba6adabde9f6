"""Artifacts filed under a digest of all that they depend on, and how such digests are taken."""
