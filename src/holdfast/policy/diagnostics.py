"""What is wrong with a policy, and where."""

from __future__ import annotations

from holdfast.errors import HoldfastError


class PolicyError(HoldfastError):
    """A policy does not hold together."""

    code = "invalid-policy"
