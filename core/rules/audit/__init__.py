"""Contradictions between a season's rows, or with the sport's rules: pure checks in one table."""
