"""The glossary that ships: what it must find, and above all what it must leave in peace."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from holdfast.content import Item
from holdfast.signals.glossary import Glossary
from holdfast.signals.identity import MANY, Identities
from holdfast.signals.lexicon import Lexicon
from holdfast.signals.normalise import normalise
from holdfast.signals.signal import Batch

NAMES = Identities.shipped()
GROUPS = (
    "jewish", "muslim", "christian", "hindu", "sikh", "atheist", "black", "white", "asian", "latino", "indigenous", "arab", "roma",
    "gay", "lesbian", "bisexual", "trans", "women", "men", "disabled", "immigrants", "refugees", "older", "israeli", "palestinian",
)  # fmt: skip

EVERYDAY = (
    # numbers
    "this piano has 88 keys", "I was born in 88", "he ran it in 88 minutes", "the song is at 88 bpm", "got 88% on my exam", "only $88 at the shop",
    "Dale Earnhardt Jr drove the 88 car", "back to the future needs 88 mph", "my grandma turned 88 today", "room 109 please", "it was 110 degrees in Phoenix",
    "I weigh 109 kg now", "the score was 110-109", "she scored 41% on the test and still passed", "battery at 41% already", "13/50 on my maths exam", "we won 14 8",
    "the ship sailed in 1488", "Bartolomeu Dias rounded the cape in 1488", "the painting is from the year 1488", "271 pages in and I love it", "13% inflation is wild",
    "call 555 88 12", "page 88 has the answer", "chapter 18 broke me", "the 23rd was lovely", "6 million views wow", "six million subscribers congratulations",
    # cooking
    "put the bread back in the oven", "fire up the ovens, pizza tonight", "preheat the oven to 200 degrees", "fresh out of the ovens at the bakery", "juice boxes for the picnic 🧃",
    "my toddler only drinks juice boxes", "🍗🍉 perfect summer picnic", "banana bread day 🍌", "fried chicken recipe please", "that curry smells amazing", "make me a sandwich like that please chef",
    "bacon and eggs 🥓", "watermelon season 🍉", "get in the kitchen and try this recipe", "soup weather again", "who else eats mayo on everything",
    # craft, home
    "soap making is so calming", "homemade lavender soap 🧼", "this lampshade is from a thrift shop", "took a long shower after the gym", "the showers at the pool are cold",
    "time for a shower and bed", "my train was late again 🚂", "model trains at the museum", "get on the train at platform 4", "nice rope swing you built", "how to tie a noose knot for sailing",
    "mow the lawn on Saturday", "the dishwasher is broken again", "the attic needs insulation", "found it back in the attic with the christmas boxes",
    # animals, play, sport, music
    "the gorilla at the zoo waved at us 🦍", "monkey business 🐒", "my cat sleeps like this 🐷", "the goat of football 🐐", "Messi is the GOAT 🐐🐐", "deus vult! crusader kings is so good",
    "we need another crusade in total war", "attack helicopter in battlefield is broken", "I main the attack helicopter in this game", "finish the job lads, one more goal", "finish the job team",
    "planet of the apes was a good movie", "the wrestlers of the nwo", "nWo Hogan was the best wrestling", "orchestra plays the second movement", "lightning ⚡⚡ what a storm",
    "clown at the birthday 🤡", "bowling high score!", "new high score in tetris", "my bowl cut as a kid was awful haircut", "that bass drop 💣💥", "this track is the bomb 💣", "thank you for the helicopter ride over the canyon",
    "sharks are hungry at feeding time in the aquarium", "hang him up to dry, the wet teddy", "the red triangle sign means give way 🔻",
    # places and ways of talking
    "back to school", "back to the gym", "go back to bed", "go back to sleep", "I want to go back to Africa one day", "can't wait to go back to Mexico for vacation", "back to India next month to see mum",
    "go back to where we first met", "welcome back home", "every single time I laugh", "it gets me every single time", "the globalists in this novel are silly", "rothschild giraffes at the manor",
    "chateau Rothschild wine tasting", "the new world order of football", "I noticed the noise", "he rubs his hands together when cold", "nose job recovery day 3 👃", "this perfume 👃",
    "red pill or blue pill, great film", "she hit the wall with her bike", "he ran through the tape", "cats and wine, perfect evening", "build the wall in minecraft", "a brick wall 🧱",
    "ice is coming, drive carefully", "iced coffee 🧊", "acoustic guitar sounds lovely", "are you acoustic or electric tonight", "degenerate gas in white dwarfs, physics lecture", "potato soup", "what a vegetable garden 🥦",
    "dilate the pupils before the eye exam", "my dentist used gas", "turn on the gas stove", "gas prices ⛽", "natural selection lecture was great", "the survival of the fittest chapter",
    "coffin dance meme ⚰️", "dinosaur museum 🦖", "thanks doctors and engineers", "doctors and engineers wanted at our hospital", "the engineers fixed it", "we are full after that dinner",
    "send it back, the kitchen got the order wrong", "send them back, the shoes are too small", "the boats sank in the storm", "sink the battleship game",
)  # fmt: skip
MEMORIAL = (
    "Never again. Teach your kids about the Holocaust", "we visited Auschwitz with my class", "my grandmother survived Auschwitz", "Anne Frank's diary changed my life", "reading Anne Frank with my students",
    "six million murdered, we remember every one", "the museum shows the cattle cars and the gas chambers", "a documentary about the gas chambers", "the ovens at Dachau, I cried in the museum",
    "light a candle for the victims of the genocide", "my family died in the camps", "the slave ships exhibit is heartbreaking", "we learned about lynching in history class", "strange fruit by Billie Holiday is haunting",
    "Emmett Till deserved justice", "say his name, George Floyd", "remember the victims of Pulse nightclub", "the Trail of Tears must be taught in schools", "residential schools, every child matters",
    "the Porajmos is forgotten, let us remember the Roma victims", "Srebrenica memorial day, we will not forget", "remembering the victims of Christchurch", "the 1984 massacre of Sikhs must be remembered",
    "the Chinese Exclusion Act was a disgrace", "the internment of Japanese Americans, a museum visit", "October 7 memorial at Nova", "praying for the hostages and for Gaza", "the Nakba in my grandfather's words",
    "a book about Aktion T4 and its victims", "Sand Creek memorial visit", "Wounded Knee, a lecture by a Lakota historian", "Kristallnacht remembrance in our town",
)  # fmt: skip
PROUD_AND_POLITICAL = (
    "proud to be Jewish", "Shabbat shalom everyone", "Ramadan Mubarak", "Happy Diwali", "Happy Vaisakhi", "Black girl magic", "Black Lives Matter", "trans rights are human rights", "trans women are women",
    "gay and happy", "lesbian wedding, so lovely", "bisexual and visible", "women in science", "autistic joy", "wheelchair dance is fire", "immigrants make this city", "refugees welcome", "Romani music is beautiful",
    "Native TikTok is the best TikTok", "land back", "Free Palestine", "ceasefire now", "bring them home", "am yisrael chai", "from one atheist to another", "go to church on Sunday", "old people are the best storytellers",
    "men's mental health matters", "stop Asian hate", "si se puede", "the law on asylum was passed", "parliament debates immigration", "the president met bankers", "Israel and Hamas agreed on a ceasefire",
    "the mosque opens its doors to neighbours", "the rabbi and the imam cooked together", "my pronouns are they them", "I am a trans man and happy", "we need more women in parliament",
)  # fmt: skip
REPORTED = (
    "someone told me to go back to the ovens today", "they called me a groomer for holding his hand", "people who say 'hitler was right' should be banned", "1488 is a neo nazi code used by racists",
    "what does 6mwe mean?", "the great replacement is a racist conspiracy theory", "he said 'go back to your country' to my mum", "stop saying kung flu", "kids at school told my son to go back to where he came from",
    "the phrase 'white genocide' is a racist myth", "join the 41% is what they comment under my videos, please report it", "graffiti said gas the jews, police are investigating",
    "the term dindu is racist", "we must not let them drown", "stop telling women to get back in the kitchen", "remove kebab is a genocidal slogan", "don't call it kung flu",
    "calling us groomers is hate", "13/50 is a racist code for crime statistics", "people who say 'gas the jews' must be stopped", "they shouted 'go back to Africa' at my cousin", "a man who shouted sieg heil was arrested",
)  # fmt: skip


def measure(items: list[Item]) -> dict[str, list[object]]:
    return {name: list(column) for name, column in Glossary.starter().measure(Batch(items)).columns.items()}


def certain(text: str, **more: object) -> int:
    return int(measure([Item(id="1", text=text, **more)])["glossary.certain"][0])  # type: ignore[call-overload, arg-type]


def test_everyday_memorial_and_political_talk_is_left_in_peace() -> None:
    texts = [*EVERYDAY, *MEMORIAL, *PROUD_AND_POLITICAL, *REPORTED]
    assert len(texts) >= 200
    columns = measure([Item(id=str(n), text=text) for n, text in enumerate(texts)])
    wrong = [
        (text, names)
        for text, count, names in zip(texts, columns["glossary.certain"], columns["glossary"], strict=True)
        if count
    ]
    assert wrong == []


CREATORS = {
    "jewish": "Shabbat shalom from our family", "muslim": "get ready with me for Eid", "black": "Black girl hair routine for school", "asian": "my Korean mother tries snowboarding",
    "latino": "mi familia mexicana, latina mom life", "indigenous": "jingle dress at the powwow", "roma": "a day with my Romani grandmother", "gay": "our gay wedding anniversary", "lesbian": "my wife and i moved in, lesbian life",
    "bisexual": "bisexual and proud", "trans": "two years on hrt, transition timeline", "women": "girls who code, feminist podcast", "disabled": "a day in my life as a wheelchair user", "immigrants": "how I got my green card",
    "refugees": "we fled the war, our refugee story", "hindu": "our Diwali puja at home", "sikh": "tying my turban before gurdwara", "arab": "my Syrian grandmother sings in Arabic", "israeli": "sunset in Tel Aviv", "palestinian": "our olive harvest in the West Bank",
    "older": "grandma learns to skate, turning 80", "white": "life of a Swedish farmer, white girl in the snow", "atheist": "why I became an atheist", "christian": "our church choir on easter sunday",
}  # fmt: skip
KIND = (
    "beautiful", "so proud of you", "you look amazing ❤️", "😂😂😂", "🔥🔥🔥", "👏👏", "love this so much", "what camera do you use?", "greetings from Brazil 🇧🇷", "first", "where did you get that?", "this made me cry 😭",
    "thank you for sharing", "I needed this today", "can you do a tutorial?", "the music is perfect", "your family is goals", "🥰🥰", "💯", "underrated", "same here", "how old is she?", "I want to go back to that place", "my mum says hi",
    "see you next week", "the dog at 0:41 😂", "109 comments already", "88 likes lol", "I have the same lamp", "what soap do you use?", "the kitchen is gorgeous", "get it girl", "go home team", "juice looks good", "great shot, finish the job next time",
)  # fmt: skip


def test_friendly_comments_under_anybodys_video_are_left_in_peace() -> None:
    items = [
        Item(id=f"{group} {n}", text=text, caption=caption)
        for group, caption in CREATORS.items()
        for n, text in enumerate(KIND)
    ]
    columns = measure(items)
    wrong = [
        (item.id, item.text, names)
        for item, count, names in zip(items, columns["glossary.certain"], columns["glossary"], strict=True)
        if count
    ]
    assert wrong == []


AIMED = {
    "jewish": ("🧃🧃👃", "👃", "back to the ovens with you", "you'd make a nice lampshade", "your train to Poland is waiting", "109 soon to be 110", "6 million wasn't enough", "hope you end up like Anne Frank", "88", "🚿🔥"),
    "muslim": ("💣💣", "religion of peace lol", "where is your vest... where's the bomb", "remove kebab", "🐷🐷", "allahu snackbar"),
    "black": ("🐒🐒", "🍌", "despite being only 13", "go pick cotton", "back to the jungle", "get the rope", "we wuz kangs", "hope you end up like Emmett Till"),
    "asian": ("kung flu", "🦇🍜", "where's the dog", "go back to Wuhan"),
    "latino": ("calling ICE", "build the wall", "get back across the border", "hope you get deported"),
    "indigenous": ("trail of tears 2.0", "back to the reservation", "free smallpox blankets for you", "residential schools were good"),
    "roma": ("hide your wallets", "who stole the copper", "gypped"),
    "gay": ("ok groomer", "🏳️‍🌈🤮", "hope you get AIDS", "throw him off a roof"),
    "lesbian": ("just needs a real man", "which one is the man"),
    "bisexual": ("pick a side", "greedy bisexual"),
    "trans": ("41%", "join the 41%", "I identify as an attack helicopter", "ywnbaw", "you will never be a real woman", "dilate"),
    "women": ("get back in the kitchen", "make me a sandwich woman", "women ☕", "your body my choice"),
    "disabled": ("useless eater", "♿😂", "extra chromosome", "you should have been aborted"),
    "immigrants": ("go back to your country", "remigration now", "hope you get deported"),
    "refugees": ("sink the boats", "hope you end up like the boy on the beach", "go back to where you came from"),
    "hindu": ("cow urine drinker", "🐄💩"), "sikh": ("1984 again", "is that a bomb"), "arab": ("✈️🏢", "back to the desert"),
    "israeli": ("October 7 again", "no innocent Israelis"), "palestinian": ("turn Gaza into a parking lot", "there is no such thing as a Palestinian, no such thing as palestinians"),
    "older": ("coffin dodger", "boomer remover"), "white": ("kill the boer", "white devils"), "atheist": ("kill the apostate", "burn in hell atheist"), "christian": ("lions need food, christians to the lions", "burn all churches"),
}  # fmt: skip


@pytest.mark.parametrize("group", AIMED)
def test_codes_under_a_targeted_creators_video_are_aimed(group: str) -> None:
    items = [Item(id=text, text=text, caption=CREATORS[group]) for text in AIMED[group]]
    columns = measure(items)
    missed = [item.text for item, count in zip(items, columns["glossary.aimed"], strict=True) if not count]
    assert missed == []
    assert all(group in targets for targets in columns["glossary.targets"])  # type: ignore[operator]


def test_the_same_emoji_under_other_videos_are_not_certain() -> None:
    for text in ("🧃🧃", "👃", "🐒🐒", "🍌", "💣💣", "🚿🔥", "🐷🐷", "🦇", "88", "109"):
        assert certain(text) == 0, text
        assert certain(text, caption="sunset over the hills of Tuscany") == 0, text
    assert certain("🍌🍌", caption="Black family breakfast smoothie recipe") == 0
    assert certain("🧃", caption="Hanukkah picnic snacks for kids") == 0


PLAIN = (
    "1488", "6mwe", "the holocaust never happened", "sieg heil", "ok groomer", "join the 41%", "the great replacement is real", "despite making up 13", "gibs me dat", "goyim know", "khaybar khaybar ya yahud",
    "hope you get deported", "bring back slavery", "smallpox blankets for you", "boomer remover", "lebensunwertes leben", "cultural trash, go back to your shithole country", "juden ins gas", "rentre chez toi", "hope they drown",
)  # fmt: skip


def test_plain_codes_are_certain_without_context_and_in_disguise() -> None:
    assert [text for text in PLAIN if not certain(text)] == []
    assert [text for text in PLAIN if not certain(text.upper())] == []
    assert certain("g o  b a c k to your c0untry") or certain("go b4ck to your c0untry")


SWAPS = ("{} will not replace us", "{} control the media", "gas the {}", "send {} back where they came from", "hitler was right about {}", "no more {} in our country", "exterminate {}")  # fmt: skip


def test_a_slogan_is_the_same_evidence_whoever_is_named() -> None:
    named = {group: NAMES.swapped("jews", group) for group in NAMES.groups}
    named |= {f"{group} the": f"the {people}" for group, people in named.items()}
    for slogan in SWAPS:
        items = [
            Item(id=group, text=slogan.format(people).replace("the the", "the"))
            for group, people in named.items()
        ]
        columns = measure(items)
        assert all(columns["glossary.certain"]), slogan
        for item, targets in zip(items, columns["glossary.targets"], strict=True):
            assert item.id.split()[0] in targets, item  # type: ignore[operator]


# References to what was done to a group, or stereotypes of it, that name it. Nobody else's name can stand in them; what is
# said of any group belongs into an entry that stands for every group.
HISTORIES = {
    "aids_wish", "boomer_remover", "christian_taunt", "coffee_meme", "dancing_911", "disposable_men", "feed_to_lions", "jew_pizza_joke",
    "kitchen_order", "ovens", "rooftops", "soap", "trail_of_tears",
}  # fmt: skip


def test_only_histories_name_their_group() -> None:
    """An own entry's form that names its group weighs what it weighs with any other name in it."""
    lists = Glossary.starter().lists
    forms = lists.forms()
    named = []
    for form, text in zip(forms, normalise([form.text for form in forms]).texts, strict=True):
        entry = lists.entries[form.entry]
        groups = [m.groups for m in NAMES.canonical(text).mentions if m.form == MANY]
        if not set(entry.targets).isdisjoint(group for own in groups for group in own):
            named.append((entry.name, text))
    assert len(named) > 100

    def weighed(texts: list[str]) -> list[tuple[bool, bool]]:
        columns = measure([Item(id=str(n), text=text) for n, text in enumerate(texts)])
        pairs = zip(columns["glossary.certain"], columns["glossary.aimed"], strict=True)
        return [(bool(certain), bool(aimed)) for certain, aimed in pairs]

    before = weighed([text for _, text in named])
    after = weighed([NAMES.swapped(text, "buddhist") for _, text in named])
    differ = {name for (name, _), a, b in zip(named, before, after, strict=True) if a != b}
    assert differ == HISTORIES


def test_no_term_of_the_lexicon_but_slurs_names_a_group() -> None:
    terms = [
        term for term in Lexicon.starter().terms if NAMES.canonical(normalise([term.term]).texts[0]).groups
    ]
    assert {term.category for term in terms} <= {"slur"}


def test_entries_exist_for_every_group() -> None:
    count = Counter(target for entry in Glossary.starter().lists.entries for target in entry.targets)
    assert tuple(Glossary.starter().lists.groups) == NAMES.groups
    assert set(GROUPS) < set(NAMES.groups)  # the others have slogans only: those that stand for every group
    assert [group for group in GROUPS if count[group] < 3] == []
    assert count["named"] >= 15


def test_naming_a_group_is_no_match() -> None:
    lists = Glossary.starter().lists
    words = [word for group in lists.groups.values() for word in (*group.people, *group.words)]
    words += [" ".join(name.words) for name in NAMES.names]
    for caption in (None, "Shabbat shalom, Eid Mubarak, Black history month, pride parade"):
        columns = measure([Item(id=word, text=word, caption=caption) for word in words])
        assert [word for word, names in zip(words, columns["glossary"], strict=True) if names] == []


def test_words_that_tell_of_a_group_do_not_repeat_its_names() -> None:
    for group, known in Glossary.starter().lists.groups.items():
        assert [word for word in known.words if group in NAMES.canonical(word).groups] == []
        assert set(known.people).isdisjoint(" ".join(n.words) for n in NAMES.names if n.group == group)


def test_no_slur_stands_in_the_glossary() -> None:
    lexicon = Lexicon.starter()
    forms = sorted({form.text for form in Glossary.starter().lists.forms()})
    found = lexicon.find(normalise(forms))
    slurs = {
        lexicon.terms[match.term].term
        for matches in found.values()
        for match in matches
        if lexicon.terms[match.term].category == "slur"
    }
    assert slurs == set()


def test_entries_say_what_they_mean() -> None:
    for entry in Glossary.starter().lists.entries:
        assert 20 <= len(entry.meaning) <= 260 and entry.meaning.endswith("."), entry.where
        assert re.fullmatch(r"[a-z0-9_]+", entry.name)
        if entry.ambiguity == "high":
            assert any(needs.asks for needs in entry.needs), entry.where
