"""Formula 1's calendar and results: fetched, transformed, upserted. Never imports Prefect, never asks the time."""
