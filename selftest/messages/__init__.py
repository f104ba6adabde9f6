"""What the suite shows to people, in every language."""
