"""The gates of each stage: id, question, and the function that makes a check of evidence."""
