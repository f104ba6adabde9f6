"""Long campaigns against the suite itself: kills, fuzzing, mutation, random order; `make nightly`, not `make test`."""
