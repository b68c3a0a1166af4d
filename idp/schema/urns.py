"""The schema URNs that the built-in resources use."""

from typing import Final

USER: Final = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP: Final = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE_USER: Final = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
GATEHOUSE_USER: Final = "urn:gatehouse:params:scim:schemas:extension:2.0:User"
