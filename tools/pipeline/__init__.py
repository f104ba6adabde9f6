"""A port from checkpoint to verdict in plain Python, without pytest."""
