"""Names of groups in a stream: found where the classifier finds them, in disguise or not, with the way back kept."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.signals.conformance import QUIET, hostile
from tests.signals.test_identity import SPOKEN

from holdfast.content import Item
from holdfast.signals import glossary_entries
from holdfast.signals.glossary import Glossary
from holdfast.signals.glossary_names import Names, places_of
from holdfast.signals.identity import MANY, Identities
from holdfast.signals.normalise import normalise
from holdfast.signals.signal import Batch

SIGN = glossary_entries.MANY
IDENTITIES = Identities.shipped()
NAMES = Names(IDENTITIES, {"martian": ["martians", "people from mars"], "black": ["africans"]})


def found(text: str, people: bool = True) -> list[tuple[str, tuple[str, ...]]]:
    """What of the text names somebody, and whom it names."""
    said = []
    for stream in normalise([text]).streams:
        namings = [naming for naming in NAMES.find(stream) if naming.people or not people]
        if namings:
            _, starts, ends = stream.spans(*places_of(namings))
            said += [(text[s:e], n.groups) for s, e, n in zip(starts, ends, namings, strict=True)]
    return said


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("Jews and OLD people", [("Jews", ("jewish",)), ("OLD people", ("older",))]),
        ("no black gay men here", [("black gay men", ("black", "gay", "men"))]),
        ("people with disabilities", [("people with disabilities", ("disabled",))]),
        ("a jew, an old friend, people", []),
        ("the chinese, chinese food", [("chinese", ("asian",))]),
        ("the blind, the blind spot", [("blind", ("disabled",))]),
        ("j3ws, M\u200buslims, h i n d u s", [("j3ws", ("jewish",)), ("M\u200buslims", ("muslim",)), ("h i n d u s", ("hindu",))]),
        ("jewwwws everywhere", [("jewwwws", ("jewish",))]),
        ("people from mars", [("people from mars", ("martian",))]),
        ("africans, martiaaaans", [("africans", ("african", "black")), ("martiaaaans", ("martian",))]),
        ("menu, menswear, men in black", []),
    ],
)  # fmt: skip
def test_peoples_are_found(text: str, named: list[tuple[str, tuple[str, ...]]]) -> None:
    assert found(text) == named


def test_persons_and_adjectives_are_found_where_company_is_read() -> None:
    assert found("a Jew at the Romani festival, martians", people=False) == [
        ("Jew", ("jewish",)),
        ("Romani", ("roma",)),
        ("martians", ("martian",)),
    ]


_texts = st.one_of(
    hostile,
    st.lists(st.sampled_from([*(s[0][0] for s in SPOKEN.values()), "martians", "old", "the", "men in black", SIGN, "J e w s"]), max_size=8).map(" ".join),
)  # fmt: skip


@given(st.lists(_texts, max_size=4))
@settings(QUIET)
def test_a_sign_takes_the_place_of_every_name_and_leads_back(texts: list[str]) -> None:
    for stream in normalise(texts).streams:
        namings = NAMES.find(stream)
        ends = [0, *(naming.end for naming in namings)]
        assert all(end <= naming.start < naming.end for end, naming in zip(ends, namings, strict=False))
        if not namings:
            continue
        starts, after = places_of(namings)
        signed = stream.replaced(starts, after, [ord(SIGN)] * len(namings))
        assert signed.haystack.count(SIGN) == stream.haystack.count(SIGN) + len(namings)
        # Every code point leads to where it led before, and every sign to the whole name.
        kept = [n for n in range(len(stream.codes)) if not any(a.start < n < a.end for a in namings)]
        signs = [kept.index(naming.start) for naming in namings]
        for sign, naming in zip(signs, namings, strict=True):
            one, other = signed.spans(*_one(sign, sign + 1)), stream.spans(*_one(naming.start, naming.end))
            assert [a.tolist() for a in one] == [a.tolist() for a in other]
        for new, old in enumerate(kept):
            if new not in signs and stream.haystack[old] != "\n":
                assert signed.offsets(new, new + 1) == stream.offsets(old, old + 1)


def _one(start: int, end: int):  # type: ignore[no-untyped-def]
    import numpy as np

    return np.array([start]), np.array([end])


@given(st.sampled_from(sorted(SPOKEN)), st.sampled_from(["{}", "why are {}?", "the {}!"]), st.data())
@settings(QUIET)
def test_the_same_peoples_as_the_classifier_reads(group: str, template: str, data: st.DataObject) -> None:
    text = template.format(data.draw(st.sampled_from(SPOKEN[group][0])))
    mentions = IDENTITIES.canonical(normalise([text]).texts[0]).mentions
    assert [groups for _, groups in found(text)] == [m.groups for m in mentions if m.form == MANY]


def test_nobody_can_write_the_sign() -> None:
    columns = Glossary.starter().measure(Batch([Item(id="1", text=f"{SIGN} will not replace us")])).columns
    assert columns["glossary"] == [[]]


def test_a_slogan_about_two_groups_at_once_targets_both() -> None:
    texts = ["gay men will not replace us", "old people gonna old people", "old people gonna jews"]
    columns = Glossary.starter().measure(Batch([Item(id=t, text=t) for t in texts])).columns
    assert columns["glossary.targets"] == [["gay", "men"], ["older"], []]
    assert columns["glossary.certain"] == [1, 0, 0]
