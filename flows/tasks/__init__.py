"""The steps of the flows, as an operator sees them in a run's graph; each calls a function of `core`.

`fetch-*` request documents from a source, `transform-*` turn them into records, `read-*`, `upsert-*` and `drop-*` use
the database. Each raises the errors of the function in `core` that it calls. There is one module per kind of data, and
one for backfills, so a flow imports only what it needs of `core`: a run every five minutes pays for each import.
"""
