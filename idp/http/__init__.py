"""What every page and endpoint shares: typed application keys, who is asking, and the middleware around everything."""
