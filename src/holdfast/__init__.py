"""Holdfast: a safety engine for video and social platforms, from the side of the people who get targeted."""

__version__ = "0.1.0"
