"""What the classifier answers: its heads, and the groups a text can be about.

Every number is a probability, 0 to 1. The order here is the order of the network's outputs: append, never reorder.
"""

from __future__ import annotations

from typing import Final

HEADS: Final[tuple[str, ...]] = (
    "hate",  # attacks people for who they are
    "harassment",  # attacks this person
    "threat",  # violence threatened, wished or called for
    "self_harm_incitement",  # urges somebody to hurt or kill themselves
    "profanity",  # vulgar words, whether or not anybody is attacked
    "sexual",  # sexual content, or sexual harassment
    "spam",  # advertises, phishes or floods
    "severe",  # the worst of the above: what nobody should have to read
    "counterspeech",  # rebuts, reports, quotes to condemn, teaches
)

GROUPS: Final[tuple[str, ...]] = (
    "jewish",
    "muslim",
    "christian",
    "hindu",
    "black",
    "white",
    "asian",
    "latino",
    "indigenous",
    "arab",
    "roma",
    "gay",
    "lesbian",
    "bisexual",
    "trans",
    "women",
    "men",
    "disabled",
    "immigrants",
    "refugees",
    "older",
    "israeli",
    "palestinian",
    "atheist",
)
