"""A season as one HTML file that needs nothing else: what is read for it, its charts, its template."""
