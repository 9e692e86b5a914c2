"""The glossary: how a match is weighed (with made-up terms), and the lists that ship."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.signals.conformance import SignalConformance, items_of

from holdfast.content import Item
from holdfast.decider import open_engine
from holdfast.decision import Span
from holdfast.signals.glossary import MATCHES_LIMIT, SPANS_LIMIT, Glossary, InvalidGlossary
from holdfast.signals.signal import Batch, Signal

MARTIAN = """
kind: code
targets: [martian]
ambiguity: high
sets:
  fruit: [banana, plum]
  reported: [told me]
groups:
  martian: {people: [martians], words: [olympus mons, 🪐]}
  venusian: {people: [venusians]}
entries:
  - {term: rustball, meaning: Plain., ambiguity: low}
  - {term: red dust, forms: ["red {dust|sand}", "🧱"], meaning: Around., needs: {target: around}}
  - {term: "314", meaning: A number., needs: {target: anywhere}}
  - {term: spoon, forms: [🥄], meaning: Alone., needs: {target: around, alone: true, not_near: ["@fruit", soup]}}
  - {term: crater, meaning: Beside., needs: {near: [deep, "@glossary"], within: 3}}
  - {term: marble, meaning: Beside its group., needs: {near: ["@target"], within: 2}}
  - {term: maybe, name: perhaps, forms: [airless], meaning: No condition but ambiguous.}
  - {term: echo, kind: symbol, forms: ["((("], ambiguity: low, meaning: Marks.}
  - {term: orbit, targets: [named], forms: ["{@people} to {orbit|the sun}"], ambiguity: low, meaning: Whoever is named.}
  - {term: spaceship, forms: [back to your ship], ambiguity: low, addressed: true, meaning: Speaks to somebody.}
"""


@pytest.fixture(scope="module")
def martian(tmp_path_factory: pytest.TempPathFactory) -> Glossary:
    return Glossary.load([written(tmp_path_factory.mktemp("lists"), MARTIAN)])


def written(folder: Path, text: str, name: str = "martian.yaml") -> Path:
    path = folder / name
    path.write_text(text, "utf-8")
    return path


def weigh(glossary: Glossary, text: str, **more: object) -> tuple[list[str], int, int, int]:
    item = Item(id="1", text=text, **more)  # type: ignore[arg-type]
    columns = glossary.measure(Batch([item])).columns
    return tuple(
        columns[name][0] for name in ("glossary", "glossary.certain", "glossary.possible", "glossary.aimed")
    )  # type: ignore[return-value]


CAPTION = {"caption": "sunset on Olympus Mons"}


@pytest.mark.parametrize(
    ("text", "more", "expected"),
    [
        ("nothing here", {}, ([], 0, 0, 0)),
        ("you rustball", {}, (["rustball"], 1, 0, 0)),
        ("you rustball", CAPTION, (["rustball"], 1, 0, 1)),
        ("ru5tball and r.u.s.t.b.a.l.l", {}, (["rustball"], 2, 0, 0)),
        ("rustballs", {}, ([], 0, 0, 0)),
        ("airless", {}, (["perhaps"], 0, 1, 0)),
        ("airless", CAPTION, (["perhaps"], 0, 1, 0)),
        # The group that the item concerns.
        ("red  sand", {}, (["red_dust"], 0, 1, 0)),
        ("red sand", CAPTION, (["red_dust"], 1, 0, 1)),
        ("red sand", {"parent": "the Martians are here"}, (["red_dust"], 1, 0, 1)),
        ("red sand", {"caption": "my 🪐 trip"}, (["red_dust"], 1, 0, 1)),
        ("red sand", {"context": {"target.groups": "venusian, Martian"}}, (["red_dust"], 1, 0, 1)),
        ("red sand", {"context": {"target.groups": "venusian"}}, (["red_dust"], 0, 1, 0)),
        ("red sand", {"context": {"target.groups": 7}}, (["red_dust"], 0, 1, 0)),
        ("red sand for martians", {}, (["red_dust"], 0, 1, 0)),
        ("314 for martians", {}, (["314"], 1, 0, 0)),
        ("314", {}, (["314"], 0, 1, 0)),
        ("🧱🧱", CAPTION, (["red_dust"], 2, 0, 2)),
        ("🧱\u200d🧱", CAPTION, ([], 0, 0, 0)),
        # Numbers stand by themselves.
        ("$314 or 3.314 or 314% or 314.5 or 314-2 or 2/314 or #314 or 3144", CAPTION, ([], 0, 0, 0)),
        ("314!", CAPTION, (["314"], 1, 0, 1)),
        # Alone, and innocent company.
        ("🥄", CAPTION, (["spoon"], 1, 0, 1)),
        ("🥄🥄 lol", CAPTION, (["spoon"], 2, 0, 2)),
        ("🥄 what a lovely video this is", CAPTION, (["spoon"], 0, 1, 0)),
        ("🥄 plum", CAPTION, ([], 0, 0, 0)),
        ("🥄", {"caption": "Olympus Mons soup"}, ([], 0, 0, 0)),
        # Near.
        ("a deep crater", {}, (["crater"], 1, 0, 0)),
        ("deep under the very old crater", {}, (["crater"], 0, 1, 0)),
        ("crater rustball", {}, (["crater", "rustball"], 2, 0, 0)),
        ("crater crater", {}, (["crater"], 0, 2, 0)),
        ("the martians marble", {}, (["marble"], 1, 0, 0)),
        ("marble of the old martians", {}, (["marble"], 0, 1, 0)),
        # Reported and quoted.
        ("he told me rustball", {}, (["rustball"], 0, 1, 0)),
        ("why would anyone write 'rustball' here", {}, (["rustball"], 0, 1, 0)),
        ("'rustball'", {}, (["rustball"], 1, 0, 0)),
        # Signs, named groups, addressed.
        ("the (((astronauts))) again", {}, (["echo"], 1, 0, 0)),
        ("f(((x", {}, ([], 0, 0, 0)),
        ("((((four))))", {}, ([], 0, 0, 0)),
        ("martians to the sun", {}, (["orbit"], 1, 0, 0)),
        ("back to your ship", {}, (["spaceship"], 1, 0, 1)),
    ],
)  # fmt: skip
def test_weighs(martian: Glossary, text: str, more: dict[str, object], expected: tuple[list[str], int, int, int]) -> None:  # fmt: skip
    assert weigh(martian, text, **more) == expected


def test_the_group_that_is_named_is_the_target(martian: Glossary) -> None:
    columns = martian.measure(Batch(items_of(["martians to orbit", "venusians to orbit"]))).columns
    assert columns["glossary.targets"] == [["martian"], ["venusian"]]
    assert columns["glossary"] == [["orbit"], ["orbit"]]


def test_shows_where_in_text_and_transcript(martian: Glossary) -> None:
    item = Item(id="1", text="so r u s t b a l l", transcript="🧱 and rustball")
    assert martian.measure(Batch([item])).spans[0] == [
        Span(signal="glossary", start=3, end=18, label="glossary: rustball"),
        Span(signal="glossary", start=0, end=1, label="glossary: red_dust", field="transcript"),
        Span(signal="glossary", start=6, end=14, label="glossary: rustball", field="transcript"),
    ]


def test_weighs_and_shows_a_bounded_number(martian: Glossary) -> None:
    evidence = martian.measure(Batch(items_of(["rustball 🧱 airless " * 1_000])))
    assert evidence.columns["glossary.certain"] == [MATCHES_LIMIT]
    assert len(evidence.spans[0]) <= SPANS_LIMIT


class TestMartian(SignalConformance):
    texts = ("you rustball", "(((x))) airless", "314 🥄🧱")

    @staticmethod
    def make() -> Signal:
        import tempfile

        with tempfile.TemporaryDirectory() as folder:
            return Glossary.load([written(Path(folder), MARTIAN)])


# Lists ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("- a", "is not a mapping"),
        ("colour: red", "martian.yaml:1: holds an unknown key"),
        ("entries: [{term: a}]", "martian.yaml:1: cannot be read"),
        ("entries:\n- {term: '!', meaning: x}", "martian.yaml:2: an entry has no usable name"),
        ("entries:\n- {term: ab, meaning: x, targets: [nobody], ambiguity: low, kind: code}", "martian.yaml:2: an entry targets a group"),
        ("entries:\n- {term: ab, meaning: x, targets: [jewish], ambiguity: sure, kind: code}", "Invalid enum value 'sure'"),
        ("groups: {a: {people: [as]}}\nentries:\n- {term: ab, meaning: x, targets: [a], ambiguity: low, kind: code}\n- {term: ab, meaning: x, targets: [a], ambiguity: low, kind: code}", "martian.yaml:4: a name stands there twice"),
        ("groups: {a: {people: [as]}}\nentries:\n- {term: ab, meaning: x, targets: [a], ambiguity: low, kind: code, needs: {near: ['@no']}}", "names a set that there is not"),
        ("sets:\n  a: &x [a]\n  b: *x", "an alias stands"),
        ("entries:\n- {term: ab, meaning: x, targets: [named], ambiguity: low, kind: code, forms: ['{@people} ab', ab]}", "has a form that names none"),
        ("entries: [", "is not YAML"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_file_and_line(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(InvalidGlossary) as error:
        Glossary.load([written(tmp_path, text)])
    assert says in str(error.value)


def test_an_unknown_set_or_too_many_alternatives_are_refused(tmp_path: Path) -> None:
    head = "groups: {a: {people: [as]}}\ntargets: [a]\nkind: code\nambiguity: low\nentries:\n"
    for form, says in (("{@no}", "a set that there is not"), ("{1|2|3|4|5|6|7|8|9}" * 5, "too many texts")):
        glossary = Glossary.load([written(tmp_path, f"{head}- {{term: ab, meaning: x, forms: ['{form}']}}")])
        with pytest.raises(InvalidGlossary, match=says):
            glossary.measure(Batch(items_of(["x"])))


def test_the_version_follows_the_lists_not_their_layout(tmp_path: Path) -> None:
    version = Glossary.load([written(tmp_path, MARTIAN)]).version
    assert Glossary.load([written(tmp_path, f"\n\n{MARTIAN}", "b.yaml")]).version == version
    assert Glossary.load([written(tmp_path, MARTIAN.replace("soup", "stew"))]).version != version


def test_operators_add_lists_in_the_data_folder(tmp_path: Path) -> None:
    (tmp_path / "glossaries").mkdir()
    written(
        tmp_path / "glossaries",
        "entries: [{term: bristo flute, meaning: Made up., targets: [roma], ambiguity: low, kind: code}]",
    )
    measured = open_engine(tmp_path).measure(items_of(["what a bristo flute", "1488"]))
    assert measured.signals["glossary"] == [["bristo_flute"], ["1488"]]
    assert measured.signals["glossary.targets"][0] == ["roma"]
