"""Diagnostics: what is wrong with a policy, where, and what to do about it.

A validator yields a `Finding` (a region of the source); `Diagnostic` is the same thing for
readers: with line, column and the source line, so that it can be shown without the source.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Literal, NamedTuple

import msgspec

from holdfast.errors import HoldfastError
from holdfast.policy.source import Region, Source, printable, width

Severity = Literal["error", "warning"]

_SHOWN_WIDTH = 100
_REPORTED = 200
"""Findings that are kept of one policy; whoever corrects these will see the next."""


class Finding(NamedTuple):
    """Something about a stretch of the source. `also` is a second stretch, where the fix goes."""

    at: Region
    message: str
    hint: str | None = None
    also: tuple[Region, str] | None = None
    severity: Severity = "error"


class Excerpt(msgspec.Struct, frozen=True, kw_only=True):
    """The stretch of a source line that is meant: columns from 1, end exclusive.

    `text` is that line or, of a long one, the part around the stretch; it begins at `text_column`.
    """

    line: int
    column: int
    end_column: int
    text: str
    text_column: int = 1

    @classmethod
    def of(cls, source: Source, region: Region) -> Excerpt:
        """The first line of `region`."""
        line, column = source.place(region.start)
        text = source.line(line)
        end = min(column + max(1, region.end - region.start), len(text) + 1)
        start = max(0, column - 1 - _SHOWN_WIDTH // 2) if len(text) > _SHOWN_WIDTH else 0
        shown = text[start : start + _SHOWN_WIDTH]
        if start + _SHOWN_WIDTH < len(text):
            shown += "…"
        return cls(
            line=line, column=column, end_column=max(end, column + 1), text=shown, text_column=start + 1
        )

    def render(self) -> str:
        """The line under its number, with carets."""
        shown = printable(self.text)
        lead = "…" if self.text_column > 1 else ""
        start, end = self.column - self.text_column, self.end_column - self.text_column
        before = width(lead + shown[:start])
        marked = max(1, width(shown[start:end].removesuffix("…")))
        number = str(self.line)
        return f"{number} | {lead}{shown}\n{' ' * len(number)} | {' ' * before}{'^' * marked}"


class Related(msgspec.Struct, frozen=True, kw_only=True):
    """A second place, and what it has to do with the first."""

    message: str
    excerpt: Excerpt


class Diagnostic(msgspec.Struct, frozen=True, kw_only=True):
    """One finding, ready to be shown or sent."""

    severity: Severity
    message: str
    path: str
    excerpt: Excerpt
    hint: str | None = None
    related: Related | None = None

    @classmethod
    def of(cls, finding: Finding, source: Source) -> Diagnostic:
        """`finding` with its place in `source` worked out."""
        return cls(
            severity=finding.severity,
            message=finding.message,
            path=source.path,
            excerpt=Excerpt.of(source, finding.at),
            hint=finding.hint,
            related=None
            if finding.also is None
            else Related(message=finding.also[1], excerpt=Excerpt.of(source, finding.also[0])),
        )

    @property
    def line(self) -> int:
        """The line, from 1."""
        return self.excerpt.line

    @property
    def column(self) -> int:
        """The column, from 1."""
        return self.excerpt.column

    def render(self) -> str:
        """Plain text as a compiler would say it."""
        lines = [f"{self.path}:{self.line}:{self.column}: {self.severity}: {printable(self.message)}"]
        lines.extend(_indented(self.excerpt.render()))
        if self.related is not None:
            place = self.related.excerpt
            lines.append(f"  {self.path}:{place.line}:{place.column}: {printable(self.related.message)}")
            lines.extend(_indented(place.render()))
        if self.hint is not None:
            lines.append(f"  hint: {printable(self.hint)}")
        return "\n".join(lines)


class PolicyError(HoldfastError):
    """A policy does not hold together. `diagnostics` holds everything that was found."""

    code = "invalid-policy"

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        errors = sum(diagnostic.severity == "error" for diagnostic in diagnostics)
        super().__init__(
            f"the policy has {_count(errors, 'error')}",
            where=diagnostics[0].path,
            next_step="correct the places shown, then run: holdfast policy check FILE",
        )
        self.diagnostics = tuple(diagnostics)

    def __str__(self) -> str:
        return render(self.diagnostics)


def render(diagnostics: Sequence[Diagnostic]) -> str:
    """All of them as plain text, and how many there are; nothing for none."""
    if not diagnostics:
        return ""
    errors = sum(diagnostic.severity == "error" for diagnostic in diagnostics)
    warnings = len(diagnostics) - errors
    counts = [_count(number, word) for number, word in ((errors, "error"), (warnings, "warning")) if number]
    return "\n\n".join([*(diagnostic.render() for diagnostic in diagnostics), ", ".join(counts)])


def _count(number: int, word: str) -> str:
    if number >= _REPORTED:
        return f"{number} or more {word}s"
    return f"{number} {word}{'' if number == 1 else 's'}"


def in_order(findings: Iterable[Finding], source: Source) -> tuple[Diagnostic, ...]:
    """Diagnostics in the order of the source, each once; the first 200 of them."""
    unique = dict.fromkeys(sorted(findings, key=lambda f: (f.at, f.message)))
    return tuple(Diagnostic.of(finding, source) for finding in islice(unique, _REPORTED))


def did_you_mean(name: str, names: Iterable[str]) -> str | None:
    """A hint with the closest of `names`, or `None` when none is close."""
    known = list(names)
    # A dotted name is often right in its last part: `slur` for `lexicon.slur`.
    tails = [full for full in known if full.rpartition(".")[2] == name]
    close = tails[:3] or _closest(name[:80].lower(), known)
    return f"did you mean {' or '.join(close)}?" if close else None


def _closest(name: str, names: list[str]) -> list[str]:
    """Up to three, and of those only such as are about as close as the closest."""
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.65)
    ratios = [difflib.SequenceMatcher(None, name, other).ratio() for other in close]
    return [other for other, ratio in zip(close, ratios, strict=True) if ratio > ratios[0] - 0.05]


def _indented(text: str) -> list[str]:
    return [f"  {line}".rstrip() for line in text.split("\n")]
