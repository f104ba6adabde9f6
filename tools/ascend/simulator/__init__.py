"""Executables with the vendor tools' names and contracts; they are executed from PATH, never imported by the suite."""
