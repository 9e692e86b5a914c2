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
        "an old friend",
        "this account is disabled",
        "as roma won again",
        "my old phone",
        "go straight on",
        "black coffee on black friday",
        "a white fan and a black model",
        "the blind spot of my old car",
        "the disabled parking lot",
        "blind to it all",
        "close the blind",
        "deaf to reason",
        "a 5 year old kid",
        "she is 12 years old",
        "he is old enough",
        "my old boss and my old coworkers",
        "an old high school friend",
        "a black high school",
        "white working class",
        "my older sister",
        "i speak french",
        "french fries and swiss cheese",
        "the english in this song",
        "my spanish is bad",
        "english can be hard, and a form of english",
        "our english teacher",
        "are you blind or what",
        "nail polish",
        "as roma coach he won",
        "hey girls look at this",
        "girls, come on",
        "guys are you seeing this",
        "you guys are great",
        "boys do you hear me",
        "my girls won",
        "these guys are great",
        "the boys are back",
        "little girls are loud",
        "the girls trip",
        "ladies and gentlemen, welcome",
        "native speakers",
        "straight up and straight from the oven",
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


# Whoever can be a friend, an aunt, a nurse: an adjective of people beside them names their group.
ANYBODY = ("black", "white", "blind", "deaf", "gay", "female", "male", "trans", "jewish", "elderly", "native", "british", "bi", "brown", "chinese")  # fmt: skip
WHO = (
    "uncle", "aunt", "sisters", "grandma", "husband", "wives", "coworker", "colleagues", "neighbours", "roommate", "boss", "driver",
    "nurse", "teachers", "doctor", "students", "engineers", "actress", "actresses", "policemen", "secretaries", "singer", "artist", "lawyer",
)  # fmt: skip


@pytest.mark.parametrize("who", WHO)
def test_an_adjective_of_people_counts_beside_kin_and_what_people_do(who: str) -> None:
    for adjective in ANYBODY:
        found = NAMES.canonical(f"my {adjective} {who} sang")
        assert found.text == f"my {ONE} {who} sang", adjective


@pytest.mark.parametrize(
    "who", ["best friend", "single mother", "football player", "high school teacher", "police officer", "stay at home dad", "ex girlfriend", "trans best friend"]
)  # fmt: skip
def test_other_words_may_stand_between(who: str) -> None:
    texts = {
        NAMES.canonical(f"my {adjective} {who} sang").text for adjective in ANYBODY if adjective != "trans"
    }
    assert texts == {f"my {ONE} {who.removeprefix('trans ')} sang"}


AFTER_THE = ("disabled", "blind", "deaf", "handicapped", "elderly", "chinese", "japanese", "french", "irish", "english", "indigenous", "jews", "sikhs", "natives", "europeans")  # fmt: skip
OF_ALL = (
    "the {} deserve respect", "I hate the {}.", "the {} are criminals", "the {} should leave", "why are the {} so loud?", "the {} ruin everything",
    "nobody likes the {}", "send the {} back", "the {} and their food", "kill all the {}!",
)  # fmt: skip


@pytest.mark.parametrize("sentence", OF_ALL)
def test_the_blind_and_the_chinese_are_peoples(sentence: str) -> None:
    texts = readable([sentence.format(name) for name in AFTER_THE])
    assert {NAMES.canonical(text).text for text in texts} == {readable([sentence])[0].replace("{}", MANY)}


GENERIC = ("girls", "boys", "ladies", "guys", "women", "men", "jews", "wheelchair users", "mormons", "chinese people", "african americans")  # fmt: skip
OF_A_KIND = (
    "{} are stupid", "I hate {}", "all {} lie", "why do {} lie?", "{} can't drive", "{} belong in the kitchen", "kill all {}", "{} deserve respect",
    "{} always win", "most {} like soup", "I love how {} sing", "I don't trust {}", "{} who sing", "nobody should hurt {}", "what's wrong with {}",
)  # fmt: skip


@pytest.mark.parametrize("sentence", OF_A_KIND)
def test_girls_and_guys_are_groups_where_all_of_them_are_meant(sentence: str) -> None:
    texts = readable([sentence.format(name) for name in GENERIC])
    assert len({NAMES.canonical(text).text for text in texts}) == 1
    assert all(NAMES.canonical(text).mentions[0].form == MANY for text in texts)


def test_a_people_is_told_from_its_food() -> None:
    for text, canonical in (
        ("chinese are stealing jobs", "GROUPS are stealing jobs"),
        ("the chinese, the food", "the GROUPS, the food"),
        ("chinese food", "GROUP food"),
        ("the chinese restaurant", "the GROUP restaurant"),
        ("a chinese can sing", "a GROUP can sing"),
        ("chinese can be hard", "GROUP can be hard"),
        ("french are rude", "GROUPS are rude"),
        ("the french restaurant", "the french restaurant"),
        ("black americans and native americans", "GROUPS and GROUPS"),
        ("black girls", "GROUPS"),
        ("old black gay men", "GROUPS"),
        ("black female coworkers", "GROUP coworkers"),
    ):
        assert NAMES.canonical(text).text == canonical


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
    for words in (
        "jewish old black ",
        "old black gay jewish ",
        "girls the blind chinese ",
        "black male the trans ",
    ):
        assert len(NAMES.canonical(words * 4_000).mentions) >= 4_000
    assert len(NAMES.canonical("black old " * 40_000).mentions) == 0


def test_the_version_tells_other_names() -> None:
    assert NAMES.version == Identities.shipped().version
    data = {
        "people": ["people"], "person": [], "adults": {"one": [], "many": []}, "persons": [], "subjects": [],
        "determiners": [], "never": [], "groups": {"bristonian": {"plural": ["bristonians"]}},
    }  # fmt: skip
    own = Identities(data)
    assert own.version != NAMES.version
    assert own.canonical("hello bristonians and jews").text == "hello GROUPS and jews"
