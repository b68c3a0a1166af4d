"""RFC 7643 as data: attribute characteristics, schemas and resource types."""
