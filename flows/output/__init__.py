"""Everything shown to a person or a machine: text, tables, artifacts, events."""
