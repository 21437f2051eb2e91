"""Upstream's documents to records: bounded and clean, or `SourceMalformed`. Pure: no I/O, no clock, no pandas."""
