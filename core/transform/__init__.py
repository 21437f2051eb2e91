"""Frames and documents to records. Pure: no I/O, no clock."""
