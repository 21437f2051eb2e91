"""Live timing's archive of a session to records, a module per dataset."""
