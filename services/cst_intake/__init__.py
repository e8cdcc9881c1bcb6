"""Intake: where requests enter, are read and searched, and where history is imported."""
