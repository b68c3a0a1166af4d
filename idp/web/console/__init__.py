"""The console: users, groups and what happened, for those who may see them."""

from idp.web.console import events, groups, users

__all__ = ["events", "groups", "users"]
