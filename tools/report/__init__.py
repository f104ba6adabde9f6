"""What a run says: terminal, files and pages, all made from the one list of gate results."""
