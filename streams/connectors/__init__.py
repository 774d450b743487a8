"""What connectors say about themselves."""
