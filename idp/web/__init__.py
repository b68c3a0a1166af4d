"""The pages: signing in, one's own account, the console; plain HTML that scripts only make more comfortable."""

from idp.web.errors import fault_page
from idp.web.routes import setup

__all__ = ["fault_page", "setup"]
