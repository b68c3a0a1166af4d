"""Requests that nobody thought of, sent to a running server: run with `python -m tests.fuzz`."""
