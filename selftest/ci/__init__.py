"""The templates of ci/ and the commands that they call."""
