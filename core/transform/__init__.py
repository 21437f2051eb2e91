"""Upstream's documents to records: bounded, clean, or malformed. Pure: no I/O, no clock, no pandas."""
