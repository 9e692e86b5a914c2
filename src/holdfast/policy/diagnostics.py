"""Diagnostics: what is wrong with a policy, where, and what to do about it.

A validator yields a `Finding` (a region of the source); `Diagnostic` is the same thing for
readers: with line, column and the source line, so that it can be shown without the source.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

import msgspec

from holdfast.errors import HoldfastError
from holdfast.policy.source import Region, Source, printable, width

Severity = Literal["error", "warning"]

_SHOWN_WIDTH = 100
_REPORTED = 100
"""Diagnostics that an error's text shows; the rest is counted."""


class Finding(NamedTuple):
    """Something about a stretch of the source. `also` is a second stretch, where the fix goes."""

    at: Region
    message: str
    hint: str | None = None
    also: tuple[Region, str] | None = None
    severity: Severity = "error"


class Excerpt(msgspec.Struct, frozen=True, kw_only=True):
    """A source line and the stretch of it that is meant (columns from 1, end exclusive)."""

    line: int
    column: int
    end_column: int
    text: str

    @classmethod
    def of(cls, source: Source, region: Region) -> Excerpt:
        """The first line of `region`."""
        line, column = source.place(region.start)
        text = source.line(line)
        end = min(column + max(1, region.end - region.start), len(text) + 1)
        return cls(line=line, column=column, end_column=max(end, column + 1), text=text)

    def render(self, note: str = "") -> str:
        """The line under its number, with carets."""
        start = max(0, self.column - 1 - _SHOWN_WIDTH // 2) if len(self.text) > _SHOWN_WIDTH else 0
        stop = start + _SHOWN_WIDTH
        shown = printable(self.text[start:stop])
        lead = "…" if start else ""
        tail = "…" if stop < len(self.text) else ""
        before = width(lead) + width(shown[: self.column - 1 - start])
        marked = width(shown[self.column - 1 - start : self.end_column - 1 - start])
        number = str(self.line)
        gutter = " " * len(number)
        carets = f"{gutter} | {' ' * before}{'^' * max(1, marked)}{' ' + note if note else ''}"
        return f"{number} | {lead}{shown}{tail}\n{carets}"


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
            f"the policy has {errors} error{'' if errors == 1 else 's'}",
            where=diagnostics[0].path,
            next_step="correct the places shown, then run: holdfast policy check FILE",
        )
        self.diagnostics = tuple(diagnostics)

    def __str__(self) -> str:
        return render(self.diagnostics)


def render(diagnostics: Sequence[Diagnostic]) -> str:
    """All of them as plain text, and how many there are."""
    shown = [diagnostic.render() for diagnostic in diagnostics[:_REPORTED]]
    errors = sum(diagnostic.severity == "error" for diagnostic in diagnostics)
    warnings = len(diagnostics) - errors
    counts = [
        f"{count} {word}{'' if count == 1 else 's'}"
        for count, word in ((errors, "error"), (warnings, "warning"))
        if count
    ]
    if len(diagnostics) > _REPORTED:
        counts.append(f"the first {_REPORTED} shown")
    return "\n\n".join([*shown, ", ".join(counts)])


def in_order(findings: Iterable[Finding], source: Source) -> tuple[Diagnostic, ...]:
    """Diagnostics in the order of the source, each once."""
    unique = dict.fromkeys(sorted(findings, key=lambda f: (f.at, f.message)))
    return tuple(Diagnostic.of(finding, source) for finding in unique)


def did_you_mean(name: str, names: Iterable[str]) -> str | None:
    """A hint with the closest of `names`, or `None` when none is close."""
    known = list(names)
    # A dotted name is often right in its last part: `slur` for `lexicon.slur`.
    tails = [full for full in known if full.rpartition(".")[2] == name]
    close = tails[:3] or difflib.get_close_matches(name[:80].lower(), known, n=3, cutoff=0.65)
    return f"did you mean {' or '.join(close)}?" if close else None


def _indented(text: str) -> list[str]:
    return [f"  {line}".rstrip() for line in text.split("\n")]
