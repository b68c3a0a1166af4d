"""How fast the server is, beside a bare one that answers the same bytes: `python -m tests.bench`."""
