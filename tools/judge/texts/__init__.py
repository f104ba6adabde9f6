"""What the vendor's tools print and write, read by one parser in a run and by the judge of its bundle."""
