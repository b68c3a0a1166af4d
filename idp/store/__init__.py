"""Persistence: the contract and its two backends."""
