"""Webhooks: what is due, when a failed message is sent again, and what a message says. Pure functions."""
