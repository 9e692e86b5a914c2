"""Upside-down text."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.signals.upside_down import DISTINCTIVE, TURNED, restore


@pytest.mark.parametrize(
    ("text", "upright", "runs"),
    [
        ("noʎ ǝʇɐɥ", "hate you", 1),
        ("hey: noʎ ǝʇɐɥ (really)", "hey: hate you (really)", 1),
        ("¡ʎǝɥ but ʇɐɥʍ", "hey! but what", 2),
        ("Ewe: ɔɔ", "Ewe: ɔɔ", 0),
        ("əsas", "əsas", 0),
        ("plain", "plain", 0),
        ("", "", 0),
    ],
)
def test_restores(text: str, upright: str, runs: int) -> None:
    restored = restore(text)
    assert (restored.text, restored.runs) == (upright, runs)


@given(st.text(alphabet=st.sampled_from([*TURNED, " ", "e", "\n"]), max_size=40))
@settings(deadline=None, max_examples=200)
def test_every_character_is_kept_and_its_place_known(text: str) -> None:
    restored = restore(text)
    assert sorted(restored.origin) == list(range(len(text)))
    for place, letter in zip(restored.origin, restored.text, strict=True):
        assert letter in (text[place], TURNED.get(text[place]))


def test_distinctive_letters_can_be_turned() -> None:
    assert set(TURNED) >= DISTINCTIVE
