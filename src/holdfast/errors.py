"""Errors that say what failed, where, what was there, what was expected and the next step."""

from __future__ import annotations


class HoldfastError(Exception):
    """Something Holdfast refuses, told so that the reader can act.

    Subclasses set `code` (stable, machine-readable, used as the problem type over HTTP).
    No message carries user content: `value` is a short, repr-safe excerpt or a measure of it.
    """

    code = "error"

    def __init__(
        self,
        what: str,
        *,
        where: str | None = None,
        value: str | None = None,
        expected: str | None = None,
        next_step: str | None = None,
    ) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.value = value
        self.expected = expected
        self.next_step = next_step

    def __str__(self) -> str:
        lines = [self.what if self.where is None else f"{self.where}: {self.what}"]
        if self.value is not None:
            lines.append(f"  found:    {self.value}")
        if self.expected is not None:
            lines.append(f"  expected: {self.expected}")
        if self.next_step is not None:
            lines.append(f"  next:     {self.next_step}")
        return "\n".join(lines)

    def __reduce__(self) -> tuple[object, ...]:
        # Keyword-only arguments do not survive the default pickling that worker processes use.
        return _rebuild, (type(self), self.__dict__)


def _rebuild(cls: type[HoldfastError], fields: dict[str, object]) -> HoldfastError:
    error = cls.__new__(cls)
    Exception.__init__(error, fields["what"])
    error.__dict__.update(fields)
    return error


class InvalidItem(HoldfastError):
    """An item broke the contract of `holdfast.content`."""

    code = "invalid-item"


class InvalidSetting(HoldfastError):
    """A setting in `holdfast.toml` or the environment is unknown or out of range."""

    code = "invalid-setting"
