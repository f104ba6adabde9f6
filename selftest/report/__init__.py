"""Tests of what a run says in pages and files."""
