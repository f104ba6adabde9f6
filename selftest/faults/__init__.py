"""The fault catalogue: what can go wrong, put into a small but whole acceptance, and the gate that must see it."""
