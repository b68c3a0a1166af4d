"""Bulk operations (RFC 7644 section 3.7): references between them, their order, and few commits."""

from scim.bulk.endpoint import BulkEndpoint, BulkLimits
from scim.bulk.wiring import bulk_endpoint

__all__ = ["BulkEndpoint", "BulkLimits", "bulk_endpoint"]
