"""What contact details look like: one module a kind, each `find(text) -> list[Found]` over plain text (`plain.py`).

Every pattern is linear: quantifiers are bounded or possessive, and look-behinds keep a search from
starting inside what an earlier start has read.
"""
