"""SCIM 2.0 (RFC 7643, RFC 7644): a thin protocol layer over the directory."""

from scim.application import setup
from scim.middleware import error_response

__all__ = ["error_response", "setup"]
