"""Measurements of the suite itself: the statistics of its judge and the speed of its steps."""
