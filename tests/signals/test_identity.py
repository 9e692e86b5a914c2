"""Groups' names made one: the same words about any group read the same, and nothing else is touched."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.signals.conformance import QUIET, hostile

from holdfast.signals.classifier_input import readable
from holdfast.signals.identity import MANY, ONE, Identities

NAMES = Identities.shipped()

# Own words for each group, as people write them: plural, adjective before a noun, one person.
SPOKEN = {
    "jewish": (("Jews", "Jewish people"), "Jewish", ("a Jew", "a Jewish person", "a Jewish woman")),
    "muslim": (("Muslims", "Muslim folks"), "Muslim", ("a Muslim", "a Muslim man")),
    "christian": (("Christians", "Catholics"), "Christian", ("a Christian",)),
    "hindu": (("Hindus",), "Hindu", ("a Hindu",)),
    "black": (("Black people", "African Americans", "people of colour"), "Black", ("a Black person", "an African American")),
    "white": (("white people", "Whites"), "white", ("a white person", "a white guy")),
    "asian": (("Asians", "Asian Americans", "Chinese people"), "Asian", ("an Asian person", "an Asian")),
    "latino": (("Latinos", "Hispanic people", "Mexicans"), "Latina", ("a Latino", "a Mexican woman")),
    "indigenous": (("Indigenous people", "Native Americans"), "Indigenous", ("an Indigenous person",)),
    "arab": (("Arabs",), "Arab", ("an Arab",)),
    "roma": (("Roma", "Romani people"), "Romani", ("a Roma woman", "a Romani person")),
    "gay": (("gay people", "gays", "gay men"), "gay", ("a gay person", "a gay man")),
    "lesbian": (("lesbians",), "lesbian", ("a lesbian",)),
    "bisexual": (("bisexuals", "bi people"), "bisexual", ("a bisexual person",)),
    "trans": (("trans people", "trans women", "transgender folks"), "trans", ("a trans person", "a trans man")),
    "women": (("women",), "female", ("a woman",)),
    "men": (("men",), "male", ("a man",)),
    "disabled": (("disabled people", "people with disabilities"), "disabled", ("a disabled person", "a wheelchair user")),
    "immigrants": (("immigrants", "migrants", "foreigners"), "immigrant", ("an immigrant",)),
    "refugees": (("refugees", "asylum seekers"), "refugee", ("a refugee",)),
    "older": (("old people", "older folks", "senior citizens"), "elderly", ("an old person", "an older woman")),
    "israeli": (("Israelis",), "Israeli", ("an Israeli",)),
    "palestinian": (("Palestinians",), "Palestinian", ("a Palestinian",)),
    "atheist": (("atheists", "non-believers"), "atheist", ("an atheist",)),
}  # fmt: skip
PLURAL = ("{} deserve respect", "so I met some {}, today!", "are {} welcome here?", "{}' music is the best", "all {} love soup", '"{}" he said', "they hate {}.")  # fmt: skip
ADJECTIVE = (
    "my {} friends cook well",
    "every {} family I know",
    "the {} community",
    "so many {} creators on here",
)
SINGULAR = ("I know {} who sings", "she is {} and a teacher", "{}, a dog and a parrot", "as {} I loved it")

_forms = st.sampled_from(
    [
        (template, place)
        for place, templates in enumerate((PLURAL, ADJECTIVE, SINGULAR))
        for template in templates
    ]
)


def said(group: str, place: int) -> tuple[str, ...]:
    spoken = SPOKEN[group][place]
    return (spoken,) if isinstance(spoken, str) else spoken


@given(_forms, st.sampled_from(sorted(SPOKEN)), st.sampled_from(sorted(SPOKEN)), st.data())
@settings(QUIET)
def test_the_same_words_about_any_group_read_the_same(
    form: tuple[str, int], one: str, other: str, data: st.DataObject
) -> None:
    template, place = form
    texts = [template.format(data.draw(st.sampled_from(said(group, place)))) for group in (one, other)]
    found = [NAMES.canonical(text) for text in readable(texts)]
    assert found[0].text == found[1].text
    assert found[0].groups[0] == one
    assert found[1].groups[0] == other


def test_every_name_of_every_group_is_made_one() -> None:
    for group in SPOKEN:
        for place, expected in ((0, f"some {MANY}"), (1, f"some {ONE} couple"), (2, f"a {ONE}")):
            for name in said(group, place):
                written = {0: f"some {name}", 1: f"some {name} couple", 2: name}[place]
                assert NAMES.canonical(readable([written])[0]).text == expected, written


@pytest.mark.parametrize(
    "text",
    [
        "the black car and the white house",
        "black and white photos",
        "man, that was good",
        "an old friend of the blind",
        "this account is disabled",
        "as roma won again",
        "my old phone",
        "go straight on",
        "x-men and pac-man",
        "the polish on my shoes",
        "jewelry and menswear",
        "arabica beans",
    ],
)
def test_other_senses_are_left_alone(text: str) -> None:
    assert NAMES.canonical(text) == (text, ())


@pytest.mark.parametrize(
    ("text", "canonical", "groups"),
    [
        ("old gay men", "GROUPS", ("older", "gay", "men")),
        ("women's rights and black people's lives", "GROUPS' rights and GROUPS' lives", ("women", "black")),
        ("i'm black and proud", "i'm GROUP and proud", ("black",)),
        ("jews, muslims/christians", "GROUPS, GROUPS/GROUPS", ("jewish", "muslim", "christian")),
        ("an arab, (an asian and) san asian", "a GROUP, (a GROUP and) san GROUP", ("arab", "asian")),
        ("a man and his hat", "a GROUP and his hat", ("men",)),
        ("non-binary people", "GROUPS", ("nonbinary",)),
    ],
)
def test_what_is_made_one(text: str, canonical: str, groups: tuple[str, ...]) -> None:
    found = NAMES.canonical(text)
    assert (found.text, found.groups) == (canonical, groups)


_words = st.lists(
    st.sampled_from([*(name for group in SPOKEN for name in SPOKEN[group][0]), "an", "old", "black", "'s", "-", "hello", "a", "(", "woman"]),
    max_size=12,
).map(" ".join).map(str.lower)  # fmt: skip


@given(st.one_of(_words, hostile.map(lambda text: readable([text])[0])))
@settings(QUIET)
def test_mentions_lead_back_and_all_else_stays(text: str) -> None:
    found = NAMES.canonical(text)
    at = 0
    for mention in found.mentions:
        assert at <= mention.start < mention.end <= len(text)
        assert found.text[mention.placed : mention.placed + len(mention.form)] == mention.form
        at = mention.end
    # What stands between the names is what stood there, but for "an" and "'s".
    pieces, at = [], 0
    for mention in found.mentions:
        pieces += [re.sub(r"(^|[^a-z])an $", r"\1a ", text[at : mention.start]), mention.form]
        at = mention.end
        if mention.form == MANY and re.match(r"'s(?!\w)", text[at:]):
            pieces.append("'")
            at += 2
    assert found.text == "".join([*pieces, text[at:]])
    assert NAMES.canonical(found.text).text == found.text


@given(hostile)
@settings(QUIET)
def test_nobody_can_write_a_placeholder(text: str) -> None:
    (shown,) = readable([text + " GROUP ＧＲＯＵＰＳ 𝐆𝐑𝐎𝐔𝐏"])
    assert ONE not in shown


@given(_words, st.sampled_from(NAMES.groups))
@settings(QUIET)
def test_swapping_changes_who_is_named_and_nothing_else(text: str, group: str) -> None:
    before = NAMES.canonical(text)
    after = NAMES.canonical(NAMES.swapped(text, group))
    if len(before.mentions) == 1:
        assert after.groups == (group,)


def test_long_texts_take_linear_time() -> None:
    text = "jewish old black " * 4_000
    assert len(NAMES.canonical(text).mentions) >= 4_000


def test_the_version_tells_other_names() -> None:
    assert NAMES.version == Identities.shipped().version
    data = {
        "people": ["people"], "person": [], "adults": {"one": [], "many": []}, "persons": [], "subjects": [],
        "determiners": [], "never": [], "groups": {"bristonian": {"plural": ["bristonians"]}},
    }  # fmt: skip
    own = Identities(data)
    assert own.version != NAMES.version
    assert own.canonical("hello bristonians and jews").text == "hello GROUPS and jews"
