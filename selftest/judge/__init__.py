"""Tests of tools/judge; a package, so that its modules may be named like those of other rooms."""
