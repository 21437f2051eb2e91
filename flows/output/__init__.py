"""Everything that a person or a machine is shown: text, tables, artifacts, events."""
