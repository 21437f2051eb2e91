"""Writes records and the resulting changes, in one transaction: after a `DatabaseError` nothing was written."""
