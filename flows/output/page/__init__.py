"""A season as one self-contained HTML file: the facts read for it, its charts, its template."""
