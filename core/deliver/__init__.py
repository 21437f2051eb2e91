"""Webhooks: who subscribes, what is sent, and the requests that send it. No other folder sends webhooks."""
