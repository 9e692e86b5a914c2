"""Policies written to hurt: each is refused, clearly and at once."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.policy.samples import SCHEMA, a_policy, a_rule

from holdfast.policy import limits
from holdfast.policy.diagnostics import PolicyError
from holdfast.policy.policy import Policy


def refusal(source: str) -> PolicyError:
    with pytest.raises(PolicyError) as refused:
        Policy.load(source, SCHEMA)
    assert len(str(refused.value)) < 60_000
    return refused.value


def refused_rule(when: str) -> str:
    error = refusal(a_policy(when))
    assert len(error.diagnostics) == 1, str(error)
    return error.diagnostics[0].message


@pytest.mark.parametrize(
    "when",
    [
        "SELECT 1",
        "1; DROP TABLE items",
        "text.shouted; DELETE FROM items",
        "text.shouted OR 1 IN (SELECT 1)",
        "text.shouted UNION SELECT 1",
        "(SELECT count(*) FROM items) > 1",
        "EXISTS (SELECT 1)",
        "text.shouted -- AND text.links > 0",
        "text.shouted /* AND text.links > 0 */",
        "text.shouted /*+ hint */",
        "{{ text.shouted }}",
        "{# text.shouted #} text.shouted",
        "{% if text.shouted %}",
        "text.shouted = ?",
        "text.shouted = :value",
        "text.shouted = $1",
        "text.shouted = @value",
        "item.text = $$text$$",
        "item.text = n'text'",
        "item.text = x'00'",
        "item.text = E'\\n'",
        "item.text = `text`",
        "item.text::boolean",
        "item.text -> 'x'",
        "item.text.*",
        "* > 1",
        "[1, 2] = 1",
        "{'a': 1} = 1",
        "x -> x > 1",
        "contains(item.text, x => 'a')",
        "read_text('/etc/passwd') = 'x'",
        "getenv('HOME') = '/root'",
        "length(item.text) OVER () > 1",
        "count(*) FILTER (WHERE text.shouted) > 1",
        "INTERVAL '1 day' > 1",
        "item.text COLLATE nocase = 'a'",
        "item.text SIMILAR TO 'a'",
        "item.text ~ 'a'",
        "item.text AT TIME ZONE 'UTC' = 'a'",
        "CAST(item.text AS BOOLEAN)",
        "TRY_CAST(item.text AS BOOLEAN)",
        "text.shouted AS x",
        "text.shouted x",
        "(text.shouted, text.shouted)",
        "()",
        "text.links IN ()",
        "text.links IN text.links",
        "text.links BETWEEN SYMMETRIC 1 AND 2",
        "CASE END = 1",
        "CASE WHEN END",
        "NOT",
        "AND text.shouted",
        "text.links > 1e400",
        "text.links > 0x10",
        "text.links > 1_000",
        "text.links > .5",
        "__import__('os').abort()",
        "text.shouted.__class__",
        "lambda: text.shouted",
        "text.shouted if text.shouted else text.shouted",
    ],
)
def test_what_is_no_condition_is_refused(when: str) -> None:
    assert refused_rule(when)


def test_a_rule_of_100_000_characters() -> None:
    assert "this expression has 100,001 characters" in refused_rule("a" * 100_000)
    assert "characters" in refused_rule("text.shouted OR " * 10_000)


@pytest.mark.parametrize("count", [25, 4_000, 10_000, 100_000])
def test_brackets_in_brackets(count: int) -> None:
    message = refused_rule("(" * count + "text.shouted" + ")" * count)
    assert "levels deep" in message or "characters" in message
    assert refused_rule("(" * count)
    assert refused_rule(")" * count)


@pytest.mark.parametrize(
    "when",
    [
        "NOT " * 2_000 + "text.shouted",
        "text.links > " + "- " * 4_000 + "1",
        "text.shouted = NOT " * 300 + "text.shouted",
        "CASE WHEN " * 500 + "text.shouted" + " THEN text.shouted END" * 200,
        "lower(" * 1_000 + "item.text" + ")" * 1_000 + " = 'a'",
        "1" + " + 1" * 2_000 + " > 0",
        "text.links" + " / 2" * 1_000 + " > 0",
        "text.shouted" + " = text.shouted" * 400,
        "text.shouted" + " IS TRUE" * 900,
        "item.text" + " LIKE 'a'" * 900,
        "text.links" + " BETWEEN 1 AND 2" * 500,
        "text.links" + " IN (1)" * 1_000,
    ],
)
def test_operators_on_operators(when: str) -> None:
    assert refused_rule(when)


def test_long_chains_that_do_not_nest_are_fine() -> None:
    for when in (
        "text.shouted" + " AND text.shouted" * 580,
        "text.links IN (" + ", ".join(["1"] * 900) + ")",
    ):
        assert len(when) <= limits.EXPRESSION_CHARACTERS
        assert Policy.load(a_policy(when), SCHEMA).rules


def test_a_list_of_more_values_than_allowed() -> None:
    assert "at most 1,000" in refused_rule("text.links IN (" + ",".join("1" * 1_001) + ")")


def test_definitions_that_grow_as_they_are_put_in() -> None:
    names = [f"d{n}" for n in range(30)]
    lines = [f"  {name}: {before} OR {before}" for before, name in pairwise(names)]
    head = "define:\n  d0: text.shouted OR text.links > 0\n" + "\n".join(lines) + "\n"
    error = refusal(a_policy("d29", head=head))
    assert "parts" in str(error) or "stacks" in str(error)


def test_many_rules_that_each_stay_within_bounds() -> None:
    head = "define:\n  big: " + " OR ".join(f"text.links = {n}" for n in range(500)) + "\n"
    error = refusal(a_policy(*["big"] * 80, head=head))
    assert "the policy has more than 100,000 parts" in str(error)


def test_too_many_of_everything() -> None:
    rules = "\n".join(a_rule("text.shouted", name=f"r{n}") for n in range(limits.RULES + 1))
    assert "rules has 2,001 entries" in str(refusal(f"policy: test\nrules:\n{rules}\n"))
    counters = "".join(f"  c{n}: count over 1 hour\n" for n in range(limits.COUNTERS + 1))
    assert "counters has 65 entries" in str(refusal(a_policy("c1 > 1", head=f"counters:\n{counters}")))


def test_a_long_circle_of_definitions() -> None:
    lines = "".join(f"  d{n}: d{(n + 1) % 400}\n" for n in range(400))
    error = refusal(a_policy("d0", head=f"define:\n{lines}"))
    assert "uses itself" in str(error)
    assert len(error.diagnostics) == 1


@pytest.mark.parametrize(
    "source",
    [
        "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nd: [*c, *c]\n",
        "policy: !!python/object/apply:os.abort []\n",
        "policy: !include /etc/passwd\n",
        "<<: {policy: test}\nrules: []\n",
        "[" * 100_000,
        "{a: " * 100_000,
        "- " * 100_000,
        "? " * 10_000,
        "a:\n" * 10_000,
        "\x00",
        "policy: test\x00\nrules: []\n",
        "policy: \ud800\n",
        'policy: "\\ud800"\nrules: []\n',
        'policy: test\nrules: [{name: r, when: "text.shouted\\0", then: hold, reason: r, tells: t}]\n',
        "policy: test\nrules: [{name: r, when: \"item.text = '\\u202e'\", then: hold, reason: r, tells: t}]\n",
        "policy: test\nrules:\n\t- name: r\n",
        "%YAML 9.9\n---\npolicy: test\n",
        "",
        "\n\n",
        "---\n",
        "...\n",
        "null\n",
        "1\n",
        "policy: {}\nrules: {}\ndefine: []\ncounters: x\ninputs: 3\non_unknown: [a]\n",
        "policy: test\nrules: [1, x, [a], {}, null]\n",
        "policy: test\nrules: [{examples: {hold: {a: b}, allow: x}, when: [a], then: {b: c}, tells: [], name: {}}]\n",
    ],
)
def test_hostile_files(source: str) -> None:
    assert refusal(source).diagnostics


def test_line_ends_and_marks_of_windows_are_read() -> None:
    source = "\ufeff" + a_policy("text.shouted\nAND text.links > 0").replace("\n", "\r\n")
    assert Policy.load(source, SCHEMA).rules[0].reads == ("text.shouted", "text.links")


WORDS = (
    *("text.shouted", "text.links", "item.text", "language", "1", "0.5", "'a'", "TRUE", "NULL"),
    *("(", ")", ",", "=", "<>", "<", ">", "+", "-", "*", "/", "%", "AND", "OR", "NOT", "LIKE", "IN", "IS"),
    *("BETWEEN", "ESCAPE", "CASE", "WHEN", "THEN", "ELSE", "END", "lower(", "coalesce(", "contains("),
    *(";", "--", "SELECT", "::", ".", '"', "'", "\n"),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(WORDS), max_size=14))
def test_any_words_are_a_condition_or_are_refused(words: list[str]) -> None:
    try:
        Policy.load(a_policy(" ".join(words) or "1 = 1"), SCHEMA)
    except PolicyError as error:
        for diagnostic in error.diagnostics:
            assert diagnostic.line >= 1
            assert diagnostic.render()


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_a_condition_or_is_refused(text: str) -> None:
    try:
        Policy.load(a_policy(text), SCHEMA)
    except PolicyError as error:
        assert str(error)


def test_of_very_many_mistakes_the_first_are_told() -> None:
    error = refusal(a_policy("text.shouted") + "".join(f"key_{n}: 1\n" for n in range(5_000)))
    assert len(error.diagnostics) == 200
    assert str(error).endswith("200 or more errors")


def test_a_line_of_a_million_characters_is_shown_in_part() -> None:
    error = refusal("policy: test\ndescription: " + "x" * 900_000 + "\n" + "rules: []\n")
    assert all(len(diagnostic.excerpt.text) <= 101 for diagnostic in error.diagnostics)
