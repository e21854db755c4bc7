"""Listeners: log lines, metrics and the snapshot that the dashboard shows."""
