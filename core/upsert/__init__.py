"""Writes records and the resulting changes, in one transaction."""
