"""Demijohn: an HTTP front door to Kafka and a home for Python consumers, in one asyncio process."""

__version__ = "0.1.0"
