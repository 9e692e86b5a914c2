"""Which policy decides: live, on trial for a share of authors, or in shadow.

A pure state machine. The ledger's events drive it (`holdfast.ledger.events`), so the state of any
moment can be rebuilt, and who moved a policy is on record.

    draft ─ check ─ backtest ─▶ shadow ─▶ roll-out 1…99 % ─▶ published (live) ─▶ rolled back
"""

from __future__ import annotations

from hashlib import blake2b

import msgspec

from holdfast.errors import HoldfastError

SHADOW_LIMIT = 4
"""Shadows at a time: each costs a full evaluation of every item."""
_BUCKETS = 10_000


class LifecycleError(HoldfastError):
    """A step that the lifecycle does not allow from here."""

    code = "policy-lifecycle"


class Lifecycle(msgspec.Struct, frozen=True, kw_only=True):
    """The policies that take part in deciding, by id (`name@version`).

    `earlier` holds the ids that were live before, latest last: what a roll-back returns to. One that
    was rolled back is not among them.
    """

    live: str | None = None
    earlier: tuple[str, ...] = ()
    candidate: str | None = None
    percent: int = 0
    shadows: tuple[str, ...] = ()

    @property
    def in_use(self) -> tuple[str, ...]:
        """Every policy id that must be loaded."""
        return tuple(dict.fromkeys(i for i in (self.live, self.candidate, *self.shadows) if i is not None))

    def publish(self, policy: str) -> Lifecycle:
        """`policy` decides for everyone; a roll-out or shadow of it ends."""
        if policy == self.live and self.candidate is None:
            raise LifecycleError(
                "is live already", where=policy, next_step="change the policy, then publish it"
            )
        before = self.earlier if self.live in (None, policy) else (*self.earlier, self.live or "")
        earlier = tuple(name for name in before if name != policy)
        return msgspec.structs.replace(
            self, live=policy, earlier=earlier, candidate=None, percent=0, shadows=self._without(policy)
        )

    def roll_out(self, policy: str, percent: int) -> Lifecycle:
        """`policy` decides for `percent` of authors, the live policy for the others."""
        if not 0 < percent < 100:
            raise LifecycleError(
                "cannot be rolled out to this share",
                where=policy,
                value=f"{percent} %",
                expected="more than 0 and less than 100",
                next_step="publish it for 100 %, roll it back for 0 %",
            )
        if policy == self.live:
            raise LifecycleError("is live already", where=policy, next_step="roll out another version")
        return msgspec.structs.replace(self, candidate=policy, percent=percent, shadows=self._without(policy))

    def shadow(self, policy: str) -> Lifecycle:
        """`policy` is judged beside the live one; its answer is recorded, not acted on."""
        if policy in self.in_use:
            raise LifecycleError("takes part already", where=policy, next_step="shadow another version")
        if len(self.shadows) >= SHADOW_LIMIT:
            raise LifecycleError(
                "is one shadow too many",
                where=policy,
                value=", ".join(self.shadows),
                expected=f"at most {SHADOW_LIMIT}",
                next_step="end a shadow first: holdfast policy unshadow ID",
            )
        return msgspec.structs.replace(self, shadows=(*self.shadows, policy))

    def end_shadow(self, policy: str) -> Lifecycle:
        if policy not in self.shadows:
            raise LifecycleError(
                "is not in shadow", where=policy, value=", ".join(self.shadows) or "no shadow runs"
            )
        return msgspec.structs.replace(self, shadows=self._without(policy))

    def roll_back(self) -> tuple[Lifecycle, str]:
        """End the roll-out if one runs, else return to the policy that was live before.

        Gives the new state and the id that decides afterwards.
        """
        if self.candidate is not None:
            if self.live is None:
                raise LifecycleError("has nothing to go back to", where=self.candidate)
            return msgspec.structs.replace(self, candidate=None, percent=0), self.live
        if not self.earlier:
            raise LifecycleError(
                "has nothing to go back to",
                where=self.live,
                next_step="publish the policy that should be live",
            )
        to = self.earlier[-1]
        return msgspec.structs.replace(
            self, live=to, earlier=self.earlier[:-1], shadows=self._without(to)
        ), to

    def decides(self, author_or_item: str) -> str | None:
        """The id of the policy that decides for this author (or item, where no author is known).

        An author stays on one side for as long as the candidate is the same, and raising the share
        only ever moves authors towards the candidate.
        """
        if self.candidate is None:
            return self.live
        key = f"{self.candidate}\0{author_or_item}".encode()
        digest = blake2b(key, digest_size=8, person=b"holdfast-rollout").digest()
        bucket = int.from_bytes(digest, "big") % _BUCKETS
        return self.candidate if bucket < self.percent * _BUCKETS // 100 else self.live

    def _without(self, policy: str) -> tuple[str, ...]:
        return tuple(shadow for shadow in self.shadows if shadow != policy)
