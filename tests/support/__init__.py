"""Real servers, and the few stand-ins for the outside world, that tests run against."""
