"""What is going on, as JSON and as a page."""
