"""Everyday comments of a short-video platform, composed from parts: the benchmarks' input.

No row comes from a data set. A seeded random number generator chooses what a comment is about and
puts it together, so that lengths, repeats, emoji, slang, links, disguises and languages are spread
about as one meets them under short videos. The same `n` and `seed` give the same comments.

    >>> comments(2, seed=0) == comments(2, seed=0)
    True
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from holdfast.content import Account, Item

START = datetime(2025, 1, 6, 12, 0, tzinfo=UTC)
"""When the first generated item is written."""

SHORT = (
    "lol", "first", "same", "real", "so true", "W video", "slay", "slay queen", "no way", "im crying", "why is this me",
    "ok but the ending", "underrated", "obsessed", "part 2 please", "part 2??", "song name?", "what's the song", "me fr",
    "this made my day", "who's watching in 2025", "bro what", "nahhh", "icon", "iconic", "i'm dead", "not the cat", "lmaooo",
    "the way i gasped", "algorithm brought me here", "here before it blows up", "he ate", "she ate that", "ate and left no crumbs",
    "pov: you scrolled too far", "notification squad", "love this", "love from brazil", "greetings from poland", "hahaha", "facts", "bet",
)  # fmt: skip
OPENERS = (
    "ngl", "honestly", "ok so", "wait", "omg", "bro", "girl", "listen", "fun fact:", "hot take:", "unpopular opinion:", "tbh", "i swear",
    "not me", "lowkey", "imagine", "can we talk about how", "nobody:", "the fact that", "guys", "sorry but", "", "", "", "", "", "",
)  # fmt: skip
SUBJECTS = (
    "this recipe", "the lighting", "your voice", "that transition", "the editing", "the dog in the back", "my sister", "her energy",
    "this tutorial", "the guitar solo", "the second clip", "his reaction", "your makeup", "this outfit", "the whole channel", "that jump",
    "my history teacher", "the bread", "this goal", "the referee", "your grandma", "the plot twist", "the background music", "that hike",
    "the chess opening", "your garden", "the cat at 0:43", "this old laptop", "the last level", "their defence", "the sunset at the end",
)  # fmt: skip
PREDICATES = (
    "is so underrated", "deserves way more views", "makes me want to try it too", "got me through a hard week",
    "is exactly what i needed today", "looks better than the one i paid for", "actually worked on the first try",
    "went harder than it had to", "is the reason i stopped scrolling", "has no business being this good", "kind of scared me",
    "needs to be studied", "reminds me of summer 2016", "was not on my bingo card", "is living rent free in my head",
    "could have been a bit shorter", "did not convince me at all", "is overhyped if you ask me", "was better last season",
    "sounds like something my dad would say", "is way harder than it looks", "changed how i cook rice", "healed something in me",
)  # fmt: skip
FOLLOWUPS = (
    "thank you for sharing", "please do one about sourdough", "i watched it three times already", "where did you get the jacket?",
    "how long did this take you?", "does it work with oat milk?", "what camera do you use?", "my kids love your videos",
    "i tried it with 200g of flour and it was perfect", "anyone else watching this at 3am?", "don't listen to the haters",
    "been here since 10k subscribers, so proud of you", "the comments are better than the video", "i need the full version",
    "saved for later", "sending this to my whole family", "we need a season 2", "you should sell these", "greetings from Lisbon",
    "i have an exam tomorrow and i'm watching this", "you earned a new follower", "the price went from $20 to $35 though",
    "it was 24/7 on the radio back then", "score was 3-2 and he still complained", "happy new year everyone",
    "i live like 15 minutes from there", "chapter 4 verse 12 explains it", "version 2.0.1 fixed that for me",
)  # fmt: skip
RUDE = (
    "you are such a clown", "this is trash", "what an idiot", "delete your account", "nobody asked", "cry about it", "worst take ever",
    "stop talking you loser", "this is so damn stupid", "shut up and play the song", "what the hell is this", "go outside for once",
    "you people ruin everything", "this dude is a total fraud", "absolute garbage, 10 minutes i won't get back",
)  # fmt: skip
SPAM = (
    "check out my channel i post every day", "sub to me and i sub back", "i made $4,500 in one week with this, ask me how",
    "free gift cards at http://www.example.com/win?id={number}", "visit https://shop.example.org/deals/{number} before midnight",
    "follow @{name} for daily signals", "message me on whatsapp +1 202 555 01{two}", "write to {name}@example.com for the full course",
    "who wants free followers? click my profile", "text 555-01{two} for the link",
)  # fmt: skip
THREADS = (
    "@{name} yes but he said that in the first minute", "@{name} thanks!", "@{name} that is not what she meant at all",
    "@{name} @{other} look at this", "@{name} where can i find the recipe?", "replying to @{name}: it's from the second album",
    "0:{two} is my favourite part", "1:{two} killed me", "{small}:{two} the face he makes", "who else came from the reel? {number} likes already",
    "day {small} of asking for a cookie recipe",
)  # fmt: skip
OTHER_LANGUAGES = (
    "Das ist wirklich das beste Video, das ich diese Woche gesehen habe", "Kannst du bitte das Rezept in die Beschreibung schreiben?",
    "Ich hab das gestern nachgekocht und meine Kinder fanden es super lecker", "¿Alguien sabe cómo se llama la canción del final?",
    "Me encanta tu canal, saludos desde Argentina", "No puedo creer que esto tenga tan pocas visitas, qué injusto",
    "Trop bien cette vidéo, merci pour le partage", "Je l'ai regardée trois fois et je ris toujours autant",
    "C'est quoi la musique à la fin s'il vous plaît ?", "muito bom esse vídeo, parabéns pelo trabalho", "quem está assistindo em casa hoje?",
    "Che bello questo posto, ci sono stata l'estate scorsa", "Очень красиво, спасибо за видео", "кто смотрит это ночью перед экзаменом?",
    "шикарный монтаж, жду следующую часть", "ما شاء الله الفيديو جميل جدا", "وين هذا المكان بالضبط؟ أريد أن أزوره",
    "סרטון מדהים, תודה רבה לך על השיתוף", "この動画が大好きです、毎日見ています", "最后那一段太好笑了哈哈哈", "이 노래 제목이 뭐예요? 너무 좋아요",
    "bu şarkının adı ne acaba, çok güzelmiş", "świetny film, pozdrawiam z Krakowa", "wat een mooie video, ga zo door",
    "bagus banget videonya kak, semangat terus", "यह वीडियो बहुत अच्छा है, धन्यवाद",
)  # fmt: skip
EMOJI = (
    "😂",
    "😂😂😂",
    "🔥",
    "🔥🔥",
    "❤️",
    "😭",
    "😭😭",
    "💀",
    "✨",
    "🥰",
    "👏👏",
    "🙏",
    "😍",
    "🤣",
    "👀",
    "💯",
    "🫶🏽",
    "👩‍🍳",
    "🇧🇷",
    "👍🏻",
)
TAGS = (
    "#fyp",
    "#foryou",
    "#baking",
    "#diy",
    "#2025",
    "#football",
    "#viral",
    "#learnontiktok",
    "#cats",
    "#fypシ",
)
NAMES = (
    "mia.bakes", "leo_77", "notyourtom", "sunnyside", "kaz", "olive.oyl", "dj_marek", "anna2004", "the_real_jo", "pixelpete",
    "rosa.m", "fitbyfin", "ghost_of_lag", "noor", "tashi", "bigbenji", "user83920174",
)  # fmt: skip
SLANG = {
    "you": "u",
    "are": "r",
    "your": "ur",
    "please": "pls",
    "because": "bc",
    "with": "w/",
    "really": "rlly",
    "to be": "2b",
}
LEET = str.maketrans({"e": "3", "a": "4", "o": "0", "i": "1", "s": "5"})
LOOK_ALIKES = str.maketrans({"a": "а", "e": "е", "o": "о", "c": "с", "p": "р"})  # Cyrillic letters


def comments(n: int, seed: int = 0) -> list[str]:
    """`n` comments, about 80 characters on average, of which about one in ten repeats an earlier one."""
    chance = random.Random(seed)
    kinds: tuple[Callable[[random.Random], str], ...] = (
        _remark,
        _short,
        _thread,
        _foreign,
        _rude,
        _spam,
        _long,
    )
    weights = (52, 10, 11, 8, 6, 5, 8)
    written: list[str] = []
    for kind in chance.choices(kinds, weights, k=n):
        if written and chance.random() < 0.1:
            written.append(written[int(len(written) * chance.random() ** 2)])
        else:
            written.append(_dressed(kind(chance), chance))
    return written


def items(n: int, seed: int = 0) -> list[Item]:
    """`n` items over `comments(n, seed)`: few authors write much, few targets receive most, time moves on."""
    return list(stream(n, seed))


def stream(n: int, seed: int = 0) -> Iterator[Item]:
    """`items`, one at a time."""
    chance = random.Random(seed + 1)
    people, creators = max(8, n // 4), max(3, n // 200)
    moment = START
    for place, text in enumerate(comments(n, seed)):
        moment += timedelta(milliseconds=int(chance.expovariate(1 / 40)))
        author = int(people * chance.random() ** 2)
        target = int(creators * chance.random() ** 3)
        yield Item(
            id=f"c{place}",
            text=text,
            surface="comment" if chance.random() < 0.7 else "reply",
            author=Account(
                id=f"a{author}",
                created_at=START - timedelta(days=1 + author * 37 % 2000),
                followers=author * 7919 % 5000,
                verified=author % 97 == 0,
                followed_by_target=(author + target) % 11 == 0,
            ),
            target=Account(id=f"t{target}", followers=1000 + target * 104729 % 900_000),
            created_at=moment,
        )


def _remark(chance: random.Random) -> str:
    opener, subject = chance.choice(OPENERS), chance.choice(SUBJECTS)
    text = f"{opener} {subject} {chance.choice(PREDICATES)}".strip()
    while chance.random() < 0.5:
        text += chance.choice((". ", ", ", " ", "! ", " and ")) + chance.choice(FOLLOWUPS)
    return text


def _short(chance: random.Random) -> str:
    return chance.choice(SHORT)


def _thread(chance: random.Random) -> str:
    return _filled(chance.choice(THREADS), chance)


def _foreign(chance: random.Random) -> str:
    return chance.choice(OTHER_LANGUAGES)


def _rude(chance: random.Random) -> str:
    return f"{chance.choice(RUDE)}, {chance.choice(SUBJECTS)} {chance.choice(PREDICATES)}"


def _spam(chance: random.Random) -> str:
    return _filled(chance.choice(SPAM), chance)


def _long(chance: random.Random) -> str:
    return ". ".join(
        f"{chance.choice(SUBJECTS)} {chance.choice(PREDICATES)}, {chance.choice(FOLLOWUPS)}".capitalize()
        for _ in range(chance.choice((2, 2, 3, 3, 4, 12)))
    )


def _filled(pattern: str, chance: random.Random) -> str:
    return pattern.format(
        name=chance.choice(NAMES),
        other=chance.choice(NAMES),
        number=chance.randrange(100, 99_999),
        two=f"{chance.randrange(60):02d}",
        small=chance.randrange(1, 60),
    )


def _dressed(text: str, chance: random.Random) -> str:
    """`text` as people type it: case, slang, drawn-out letters, emoji, tags, and now and then a disguise."""
    roll = chance.random()
    if roll < 0.05:
        text = text.upper()
    elif roll < 0.25:
        text = text[:1].upper() + text[1:]
    elif roll < 0.40:
        text = " ".join(SLANG.get(word, word) for word in text.split(" "))
    if chance.random() < 0.06:
        place = chance.randrange(len(text))
        text = text[:place] + text[place] * chance.randrange(3, 8) + text[place + 1 :]
    if chance.random() < 0.04:
        text = _disguised(text, chance)
    if chance.random() < 0.35:
        text += " " * chance.randrange(2) + chance.choice(EMOJI)
    if chance.random() < 0.07:
        text += " " + " ".join(chance.sample(TAGS, chance.randrange(1, 4)))
    return text


def _disguised(text: str, chance: random.Random) -> str:
    words = text.split(" ")
    place = chance.randrange(len(words))
    word, roll = words[place], chance.randrange(5)
    if roll == 0:
        word = word.translate(LEET)
    elif roll == 1:
        word = chance.choice((" ", ".", "-", "*")).join(word)
    elif roll == 2:
        word = "\u200b".join(word)
    elif roll == 3:
        word = word.translate(LOOK_ALIKES)
    else:
        word = "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in word)  # full width
    words[place] = word
    return " ".join(words)
