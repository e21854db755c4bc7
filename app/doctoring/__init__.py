"""Finds out, from where the service would run, why it cannot: checks in an order, each with what to do about it."""
