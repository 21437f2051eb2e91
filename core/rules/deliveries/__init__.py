"""Webhooks: what is due, when a failed message is sent again, and a message's content. Pure functions."""
