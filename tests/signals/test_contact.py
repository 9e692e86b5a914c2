"""The contact signal: what exposes somebody is found, where it stands; everyday numbers are left alone."""

from __future__ import annotations

import pytest
from bench.generate import comments
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.content import Item
from holdfast.decision import Span
from holdfast.signals.contact import KINDS, LIMIT, Contact
from holdfast.signals.signal import Batch, Evidence, Signal

# Numbers are from ranges set aside for fiction where a country has any; people and places are invented.
FOUND: dict[str, tuple[tuple[str, str], ...]] = {
    "phone": (
        ("+1 202 555 0123", "+1 202 555 0123"),
        ("call me 202-555-0123 now", "202-555-0123"),
        ("(202) 555-0123", "(202) 555-0123"),
        ("text 2025550123", "2025550123"),
        ("my number is 2025550123", "2025550123"),
        ("it is 0151 23456789 ok", "0151 23456789"),
        ("020 7946 0958", "020 7946 0958"),
        ("06 12 34 56 78", "06 12 34 56 78"),
        ("06.12.34.56.78", "06.12.34.56.78"),
        ("llámame al 612 345 678", "612 345 678"),
        ("+49 (0)151 23456789", "+49 (0)151 23456789"),
        ("8 (912) 345-67-89", "8 (912) 345-67-89"),
        ("054-765-4321", "054-765-4321"),
        ("call 9876543210", "9876543210"),
        ("0044 20 7946 0958", "0044 20 7946 0958"),
        ("https://wa.me/12025550123", "12025550123"),
        ("tel:+12025550123", "+12025550123"),
        ("her snap and 202.555.0123, thank me later", "202.555.0123"),
        ("+٤٤ ٢٠ ٧٩٤٦ ٠٩٥٨", "+٤٤ ٢٠ ٧٩٤٦ ٠٩٥٨"),
        ("２０２-５５５-０１２３", "２０２-５５５-０１２３"),
        ("+1 20\u200b2 555 0123", "+1 20\u200b2 555 0123"),
    ),
    "email": (
        ("mia@example.com", "mia@example.com"),
        ("write to MIA.K+x@mail.example.co.uk!", "MIA.K+x@mail.example.co.uk"),
        ("(mia@example.org)", "mia@example.org"),
        ("so: mia at gmail dot com ok?", "mia at gmail dot com"),
        ("mia at example dot com", "mia at example dot com"),
        ("me at gmail dot com", "me at gmail dot com"),
        ("mia [at] mail [dot] com", "mia [at] mail [dot] com"),
        ("mia(at)mail(dot)com", "mia(at)mail(dot)com"),
        ("mia [at] mail.com", "mia [at] mail.com"),
        ("mia dot k at gmail dot com", "mia dot k at gmail dot com"),
        ("mia @ gmail.com", "mia @ gmail.com"),
        ("maria arroba hotmail punto com", "maria arroba hotmail punto com"),
        ("jean arobase orange point fr", "jean arobase orange point fr"),
        ("ｍｉａ＠ｅｘａｍｐｌｅ．ｃｏｍ", "ｍｉａ＠ｅｘａｍｐｌｅ．ｃｏｍ"),
        ("mia@exam\u200bple.com", "mia@exam\u200bple.com"),
        ("ünal@example.com", "ünal@example.com"),
    ),
    "address": (
        ("12 Maple Street", "12 Maple Street"),
        ("he is at 742 evergreen terrace, Springfield", "742 evergreen terrace, Springfield"),
        ("she lives at 14 oak drive", "14 oak drive"),
        ("14 Oak Drive, go there", "14 Oak Drive"),
        ("221b Baker Street, London NW1 6XE", "221b Baker Street, London NW1 6XE"),
        ("350 5th Avenue", "350 5th Avenue"),
        ("45 elm st, Dover, NH 03820", "45 elm st, Dover, NH 03820"),
        ("his house is 9 cherry court", "9 cherry court"),
        ("Musterstraße 12a, 10115 Berlin", "Musterstraße 12a, 10115 Berlin"),
        ("Hauptstr. 5", "Hauptstr. 5"),
        ("Goethestrasse 34", "Goethestrasse 34"),
        ("er wohnt lange straße 7", "lange straße 7"),
        ("10 rue de la Paix, 75002 Paris", "10 rue de la Paix, 75002 Paris"),
        ("3 place de la République", "3 place de la République"),
        ("12 bis avenue Victor Hugo", "12 bis avenue Victor Hugo"),
        ("Calle Mayor 12, 28013 Madrid", "Calle Mayor 12, 28013 Madrid"),
        ("calle mayor, 12", "calle mayor, 12"),
        ("Avda. de la Constitución 4", "Avda. de la Constitución 4"),
        ("C/ Alcalá 45", "C/ Alcalá 45"),
    ),
    "plate": (
        ("his plate is AB12 CDE", "AB12 CDE"),
        ("number plate ab12cde", "ab12cde"),
        ("AB12 CDE, that is the number plate", "AB12 CDE"),
        ("reg is AB12CDE", "AB12CDE"),
        ("license plate 7ABC123", "7ABC123"),
        ("license plate: ABC-1234", "ABC-1234"),
        ("Kennzeichen B-AB 1234", "B-AB 1234"),
        ("plaque AB-123-CD", "AB-123-CD"),
        ("matrícula 1234 BCD", "1234 BCD"),
    ),
}

EVERYDAY = (
    # years, dates, times
    "2024", "in 1999 and 2005", "2019 2020 2021 2022", "12/05/2024", "2025-01-06 12:00:00", "2025-01-06 12:00", "10:30 am", "1:02:33", "0:43",
    "24/7", "24/7 on the road", "9/11",
    # prices, counts, scores
    "$4,500,000", "1.234.567,89 €", "1,234,567 followers", "12 345 678 views", "612 345 678 vues", "5000000000 views", "1 000 000 000",
    "1.000.000.000", "score 3-2 2-1 4-0 1-1 2-2", "3 2 1 go 10 9 8 7 6 5 4 3 2 1", "1 2 3 4 5 6 7 8 9 10", "10 out of 10",
    # numbers of things
    "order 2025550123", "order number: 2025550123", "order #2025550123", "tracking 9400111899223344", "isbn 978-3-16-148410-0",
    "ISBN-10: 0198526636", "1234567890", "4111 1111 1111 1111", "reason number 1523648856", "id 2025550123", "user83920174",
    "version 10.0.19045.3693", "v2.0.1", "192.168.100.200", "10.0.0.1", "40.7128, -74.0060", "3.14159265358979",
    "pi is 3 1 4 1 5 9 2 6 5 3", "#2025550123", "#123 #4567 #8910", "https://x.com/status/2025550123", "day 12345678 of asking",
    # not an e-mail address
    "@name thanks", "hey @name. it was fun", "look @this.video now", "a@b", "@@@@@", "look at amazon dot com", "i was at the dot com boom",
    "at some point in the future", "results at www (dot) example (dot) com", "it was at 3. no 4", "@mia.k at 0:43",
    # not an address
    "10 minutes down the road", "in 2020 Wall Street crashed", "5 star street food", "2 lane road", "2 years on the road", "100 miles of road",
    "3 way street", "7 day road trip", "20 min drive from here", "4 wheel drive", "a 10 minute close", "2 place mats", "12 angry men court",
    "i have 3 dr pepper", "March 6 Afternoon Dr Smith spoke", "my 2 st bernards", "1st place", "2nd place 3rd place", "100 way too easy",
    "77 Million Sq.Ft. of space", "route 66", "covid 19 road closures", "12 likes. road is closed", "50 people in the place",
    "platz 1", "Sitzplatz 12", "Arbeitsplatz 2", "ich warte seit 10 uhr am platz", "Weg 3", "3 cours de maths", "2 place de parking",
    "en la calle hay 20 personas", "bring 2 friends", "during 2020",
    # not a plate
    "AB12 CDE", "plate 2020 BMW", "license to kill 007", "plate of pasta 200g", "he drives a bmw 320", "he reg 10 min ago",
)  # fmt: skip


def measured(*texts: str) -> Evidence:
    return Contact().measure(Batch([Item(id=str(row), text=text) for row, text in enumerate(texts)]))


def counts(evidence: Evidence, row: int = 0) -> dict[str, int]:
    numbers = {kind: evidence.columns[f"contact.{kind}"][row] for kind in KINDS}
    return {kind: number for kind, number in numbers.items() if isinstance(number, int) and number}


def spans(evidence: Evidence, row: int = 0) -> list[Span]:
    return list(evidence.spans.get(row, ()))


def test_is_a_signal() -> None:
    signal = Contact()
    assert isinstance(signal, Signal)
    assert [field.name for field in signal.fields] == [
        "contact.phone",
        "contact.email",
        "contact.address",
        "contact.plate",
        "contact.kinds",
    ]


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [(kind, text, expected) for kind, examples in FOUND.items() for text, expected in examples],
)
def test_finds(kind: str, text: str, expected: str) -> None:
    evidence = measured(text)
    assert [(span.label, text[span.start : span.end]) for span in spans(evidence)] == [(kind, expected)]
    assert counts(evidence) == {kind: 1}
    assert evidence.columns["contact.kinds"] == [[kind]]


@pytest.mark.parametrize("text", EVERYDAY)
def test_leaves_alone(text: str) -> None:
    assert counts(measured(text)) == {}


def test_several_kinds_in_one_text() -> None:
    text = "12 Maple Street, plate AB12 CDE, mia@example.com or +1 202 555 0123"
    evidence = measured(text)
    assert [(span.label, text[span.start : span.end]) for span in spans(evidence)] == [
        ("address", "12 Maple Street"),
        ("plate", "AB12 CDE"),
        ("email", "mia@example.com"),
        ("phone", "+1 202 555 0123"),
    ]
    assert evidence.columns["contact.kinds"] == [list(KINDS)]


def test_digits_of_an_email_address_are_no_phone_number() -> None:
    assert counts(measured("call02079460958@example.com")) == {"email": 1}
    assert counts(measured("call 02079460958 or 02079460959@example.com")) == {"phone": 1, "email": 1}


def test_numbers_in_a_row_are_several() -> None:
    assert counts(measured("202-555-0123 202-555-0124 202-555-0125")) == {"phone": 3}


def test_a_transcript_is_read_too() -> None:
    batch = Batch([Item(id="a", text="mia@example.com", transcript="she lives at 14 oak drive")])
    evidence = Contact().measure(batch)
    assert [(span.field, span.label) for span in spans(evidence)] == [
        ("text", "email"),
        ("transcript", "address"),
    ]


def test_what_others_wrote_is_not_the_authors() -> None:
    batch = Batch([Item(id="a", text="no", caption="mia@example.com", parent="call 202-555-0123")])
    assert counts(Contact().measure(batch)) == {}


def test_an_empty_batch() -> None:
    evidence = measured()
    assert all(column == [] for column in evidence.columns.values())
    assert evidence.spans == {}


def test_matches_of_an_item_are_bounded() -> None:
    text = " and ".join(f"mia{n}@example.com" for n in range(LIMIT * 3))
    assert counts(measured(text)) == {"email": LIMIT}
    batch = Batch([Item(id="a", text=text, transcript=text)])
    assert counts(Contact().measure(batch)) == {"email": LIMIT}


def test_most_comments_expose_nobody() -> None:
    texts = comments(3000, seed=7)
    evidence = measured(*texts)
    exposed = {row for row, found in evidence.spans.items() if found}
    # The generator's spam gives e-mail addresses and North American numbers, and nothing else does.
    assert exposed
    assert all("@example.com" in texts[row].lower() or "202 555" in texts[row] for row in exposed)


PIECES = st.sampled_from(
    [text for examples in FOUND.values() for text, _ in examples]
    + [*EVERYDAY, "\u200b", "é", "😂", "\n", "@", " at ", " dot ", "(", "+", "0", "ß", "\U0001f3ff", "\x00"]
)
TEXTS = st.one_of(
    st.lists(PIECES, max_size=6).map(" ".join),
    st.lists(PIECES, max_size=6).map("".join),
    st.text(max_size=40),
    st.text(alphabet="0123456789 .-()/+@ab\u200b", max_size=60),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(TEXTS, max_size=6))
def test_spans_lie_in_the_text_apart_and_are_what_is_counted(texts: list[str]) -> None:
    evidence = measured(*texts)
    for row, text in enumerate(texts):
        end = 0
        for span in spans(evidence, row):
            assert end <= span.start < span.end <= len(text)
            end = span.end
        labels = [span.label for span in spans(evidence, row)]
        assert counts(evidence, row) == {kind: labels.count(kind) for kind in KINDS if kind in labels}
        assert evidence.columns["contact.kinds"][row] == [kind for kind in KINDS if kind in labels]


@settings(max_examples=100, deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=6))
def test_a_batch_of_one_gives_what_a_batch_of_many_gives(texts: list[str]) -> None:
    together = measured(*texts)
    for row, text in enumerate(texts):
        alone = measured(text)
        assert spans(alone) == spans(together, row)
        assert [column[0] for column in alone.columns.values()] == [
            column[row] for column in together.columns.values()
        ]


@pytest.mark.parametrize(
    "text",
    [
        "1" * 100_000,
        "1 " * 50_000,
        "1." * 50_000,
        "202-555-0123 " * 8_000,
        " ".join(f"0{7_000_000_000 + n * 7919}" for n in range(8_000)),
        "+" * 100_000,
        "@" * 100_000,
        "a@" * 50_000,
        "a@b." * 25_000,
        "a." * 50_000 + "@x.com",
        "a" * 100_000 + "@x.com",
        "a at b dot " * 9_000,
        "a (at) " * 14_000,
        "(" * 50_000 + "at" + ")" * 50_000,
        "a" + " " * 100_000 + "at dot com",
        "12 a b c d street " * 5_500,
        "12 a " * 20_000 + " street",
        "1 st " * 20_000,
        "calle a " * 12_000 + "1",
        "1 rue de la " * 8_000,
        "plate " * 8_000 + "AB12 CDE " * 5_000,
        "AB12CDE " * 12_000 + " plate",
        "a-" * 50_000 + "strasse 5",
        "wa.me/1" * 14_000,
        "http://" * 14_000 + "5551234567",
        "\u200b1" * 50_000,
        "12 Oak Street, " + "Aa " * 30_000,
    ],
)
def test_hostile_texts_take_no_longer_than_their_length(text: str) -> None:
    # Where time grew with the square of the length, one of these would run into the suite's time-out.
    evidence = measured(text)
    assert len(spans(evidence)) <= LIMIT
