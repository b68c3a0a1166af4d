"""The composition root: builds every service, the application around them, and the processes that serve it."""
