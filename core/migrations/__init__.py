"""The schema's migrations (Alembic) and their order, readable without importing Alembic."""

REVISIONS = (
    *("0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008", "0009", "0010"),
    *("0011", "0012", "0013", "0014", "0015", "0016", "0017", "0018"),
)
HEAD = REVISIONS[-1]
VERSION_TABLE = "f1_flows_version"
