"""Formula 1's calendar and results: fetched, transformed, upserted. Never imports Prefect, never reads the clock."""
