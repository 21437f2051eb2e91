"""Webhooks: who subscribes, what is sent, and the requests that send it; no other folder makes those."""
