"""The steps of the flows, each a line over `core`: what an operator sees in a run's graph.

`fetch-*` request documents from a source, `transform-*` turn them into records, `read-*` and `upsert-*` use the
database. Each raises the errors of the function in `core` that it calls. A module has the steps of one kind of data, so
that a flow imports no more of `core` than it needs: a run every five minutes pays for each import.
"""
