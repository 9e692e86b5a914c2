"""What the classifier's network reads of a text: the same in training and at run time.

The normaliser's readable form, groups' names made one, then word pieces: `[CLS] text [SEP]`, and where there is
context, `context [SEP]` behind it. Long texts are read in windows.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from tokenizers import Tokenizer

from holdfast.signals.identity import Canonical, Identities
from holdfast.signals.normalise import normalise

TEXT_PIECES: Final = 94
"""Word pieces of the text in one window."""
CONTEXT_PIECES: Final = 30
"""Word pieces of the context."""
OVERLAP: Final = 16
"""Word pieces that a window has in common with the one before."""
WINDOWS: Final = 4
"""Windows of one text. A longer one is read at its beginning and its end."""
HEAD_CHARACTERS, TAIL_CHARACTERS = 3_000, 1_000
"""Characters of a text that are read."""
CONTEXT_CHARACTERS: Final = 400
"""Characters of a context that are read."""


class Window(NamedTuple):
    """One input of the network: ids of word pieces, and for each whether it is text (0) or context (1)."""

    ids: tuple[int, ...]
    types: tuple[int, ...]


class Reading(NamedTuple):
    """A text as the network reads it: no window where there is no word. `groups` are those that it names."""

    windows: tuple[Window, ...]
    groups: tuple[str, ...]


class Reader:
    """Turns texts in readable form into what the network reads.

    `identities` makes groups' names one; None leaves them as they are. The context keeps its names: who is
    spoken to gives coded talk its meaning.
    """

    def __init__(self, tokenizer: Tokenizer, identities: Identities | None) -> None:
        self._tokenizer = tokenizer
        self._identities = identities
        self._cls, self._sep = (_id(tokenizer, piece) for piece in ("[CLS]", "[SEP]"))

    @classmethod
    def load(cls, path: Path, canonical: bool = True) -> Reader:
        """The reader over a `tokenizer.json`. Raises what `tokenizers` raises for a broken file."""
        tokenizer = Tokenizer.from_str(path.read_text(encoding="utf-8"))
        tokenizer.no_truncation()
        tokenizer.no_padding()
        return cls(tokenizer, Identities.shipped() if canonical else None)

    def read(self, texts: Sequence[str], contexts: Sequence[str | None]) -> list[Reading]:
        """The reading of each text in its context; both in readable form."""
        return self.read_named([self.named(text) for text in texts], contexts)

    def named(self, text: str) -> Canonical:
        """What of `text` is read (of a long one its beginning and its end), with groups' names made one."""
        shown = _shown(text)
        return Canonical(shown, ()) if self._identities is None else self._identities.canonical(shown)

    def read_named(self, texts: Sequence[Canonical], contexts: Sequence[str | None]) -> list[Reading]:
        """As `read`, of texts that went through `named`."""
        said = [text.text for text in texts]
        about = [context[:CONTEXT_CHARACTERS] if context else "" for context in contexts]
        pieces = self._pieces([*said, *about])
        return [
            Reading(tuple(self._windows(text, context[:CONTEXT_PIECES])), named.groups)
            for text, context, named in zip(pieces[: len(said)], pieces[len(said) :], texts, strict=True)
        ]

    def _pieces(self, texts: Sequence[str]) -> list[list[int]]:
        # One by one: a batch would start the library's threads, which a fork then finds in an unknown state.
        return [self._tokenizer.encode(text, add_special_tokens=False).ids for text in texts]

    def _windows(self, text: list[int], context: list[int]) -> list[Window]:
        if not text:
            return []
        step = TEXT_PIECES - OVERLAP
        starts = list(range(0, max(len(text) - OVERLAP, 1), step))
        if len(starts) > WINDOWS:
            starts = [*starts[: WINDOWS - 1], len(text) - TEXT_PIECES]
        behind = [*context, self._sep] if context else []
        windows = []
        for start in starts:
            piece = text[start : start + TEXT_PIECES]
            ids = (self._cls, *piece, self._sep, *behind)
            windows.append(Window(ids, (0,) * (len(piece) + 2) + (1,) * len(behind)))
        return windows


def readable(texts: Sequence[str]) -> list[str]:
    """The normaliser's readable form of each text."""
    return normalise(texts).texts


def _id(tokenizer: Tokenizer, piece: str) -> int:
    number = tokenizer.token_to_id(piece)
    if number is None:
        raise ValueError(f"the tokenizer has no word piece {piece}")
    return number


def _shown(text: str) -> str:
    if len(text) <= HEAD_CHARACTERS + TAIL_CHARACTERS:
        return text
    return f"{text[:HEAD_CHARACTERS]} {text[-TAIL_CHARACTERS:]}"
