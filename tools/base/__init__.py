"""What every room uses: errors, files, child processes, strict reading, progress. Knows nothing of a port."""
