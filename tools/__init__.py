"""What the suite does, as plain Python without pytest: the guide's commands, engines, vendor tools and the judge."""
