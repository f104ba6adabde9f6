"""Verdicts: pure functions over frozen typed results, knowing neither engines nor vendor tools nor files."""
