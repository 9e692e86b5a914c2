"""How large a policy may be. Every limit is far above what people write and far below what hurts."""

from __future__ import annotations

SOURCE_CHARACTERS = 1_000_000
"""Characters of a policy file."""
VALUES = 80_000
"""Keys, values, lists and mappings of a policy file."""
NESTING = 12
"""Mappings and lists inside one another in a policy file."""
RULES = 2_000
DEFINITIONS = 500
COUNTERS = 64
INPUTS = 64
EXAMPLES = 100
"""Examples of one rule."""
NAME_CHARACTERS = 80
PROSE_CHARACTERS = 2_000
"""Characters of a description, a doc or a `tells`."""
EXPRESSION_CHARACTERS = 10_000
"""Characters of one expression as written."""
EXPRESSION_DEPTH = 20
"""Brackets, CASEs and NOTs inside one another."""
TREE_DEPTH = 32
"""Operators on one another's results, definitions put in (a chain of AND or OR counts once)."""
EXPRESSION_NODES = 5_000
"""Nodes of one expression once its definitions are put in."""
POLICY_NODES = 100_000
"""Nodes of all expressions of a policy together."""
LIST_VALUES = 1_000
"""Values of an IN list, or arguments of a function."""
PATTERN_CHARACTERS = 256
"""Characters of a LIKE pattern."""
WILD_STRETCH = 64
"""Characters of a stretch of a LIKE pattern that holds `_`."""
MAGNITUDE = 1e100
"""Largest magnitude of a number that has no declared range."""
OVERFLOW = 1e300
"""An expression whose result could grow beyond this is refused."""
NEAR_ZERO = 1e-100
"""A divisor nearer to zero than this counts as zero."""
INTEGER_MAGNITUDE = 2.0**53
WINDOW_SECONDS = 30 * 86_400
"""The longest window of a counter."""
