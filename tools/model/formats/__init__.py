"""Files of weights: verified bytes, their formats, what is refused and why."""
