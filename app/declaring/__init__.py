"""The language of `topics.py`: which topics there should be, and what it takes to get there."""

from app.declaring.declarations import Topics

__all__ = ["Topics"]
