"""The steps of the flows, each a call of `core`, as an operator sees them in a run's graph.

`fetch-*` request documents from a source, `transform-*` turn them into records, `read-*` and `upsert-*` use the
database. Each raises the errors of the function in `core` that it calls. There is a module per kind of data, and one
for backfills, so a flow imports only what it needs of `core`: a run every five minutes pays for each import.
"""
