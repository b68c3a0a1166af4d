"""Gatehouse: directory, authenticator and web pages of the identity provider."""
