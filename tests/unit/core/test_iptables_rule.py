# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules as text: split as a shell does, written as iptables-save does, read as iptables-restore does."""

from __future__ import annotations

import random
import shlex
from pathlib import Path

import pytest
from ansible_collections.containerland.net.plugins.module_utils._core.kernel import xtables
from ansible_collections.containerland.net.plugins.module_utils._core.kernel.xtables_scratch import words
from ansible_collections.containerland.net.plugins.module_utils._core.kinds.iptables_edits import edits
from ansible_collections.containerland.net.plugins.module_utils._core.kinds.iptables_look import place_in
from ansible_collections.containerland.net.plugins.module_utils._core.kinds.iptables_rule import (
    from_line,
    from_words,
    split,
    target_of,
)

FIXTURES = Path(__file__).parents[2] / "fixtures" / "iptables"
BOTH = {"ipv4", "ipv6"}
LINES = [line.split(" ", 3)[3:] for line in (FIXTURES / "rules.txt").read_text().splitlines() if line[:1] in "46"]

ODD = (
    *("-p tcp  -j DROP", " -j DROP", "-j DROP ", "-ptcp -j DROP", "-p tcp --dport=80", "-4 -j DROP", "-j DROP -6"),
    *("-m /x -j DROP", "-j ../x", "-g a/b", "--match a/b", "-s 10.0.0.0/8 -j A", "-m comment --comment -j -j DROP"),
    *("-m comment --comment a:b", "--set a", "--sets a", "--sport 1 -t nat", "-F", "- -j DROP", "--", "# -j DROP"),
    *("-j DROP -", "-f -j DROP", "-fj DROP", "! -f", "-m set --set x src", "-j LOG --log-prefix a=b", "a -A b", "!"),
)


@pytest.mark.parametrize("line", [line[0] for line in LINES if line])
def test_words_are_those_of_a_shell(line: str) -> None:
    assert [word for word, _quoted in split(line)] == shlex.split(line)
    assert words(from_line(line)[1]) == [part for word in shlex.split(line) for part in _apart(word)]


def _outcome(line: str, slowly: bool) -> object:
    try:
        return from_words(split(line)) if slowly else from_line(line)
    except ValueError as problem:
        return str(problem)


@pytest.mark.parametrize("line", [*(line[0] for line in LINES if line), *ODD])
def test_the_short_way_leads_to_the_same(line: str) -> None:
    """`from_line` looks only at the options of lines in which nothing else can matter."""
    assert _outcome(line, slowly=False) == _outcome(line, slowly=True)


def _apart(word: str) -> list[str]:
    option, equals, value = word.partition("=")
    return [option, value] if word.startswith("--") and equals else [word]


@pytest.mark.parametrize("dump", sorted(path.name for path in FIXTURES.glob("*.save")))
def test_what_iptables_save_writes_stays_as_it_is(dump: str) -> None:
    tables = xtables.parse((FIXTURES / dump).read_text())
    rules = [rule for chains in tables.values() for chain in chains.values() for rule in chain.rules]
    assert len(rules) > 5
    assert [from_line(rule) for rule in rules] == [(BOTH, rule) for rule in rules]


def test_any_text_survives_quoting() -> None:
    """Random texts with the marks that matter, as the value of a comment."""
    rng = random.Random(5)
    for _turn in range(3000):
        text = "".join(rng.choice("ab \"'\\$`#;!-=") for _turn in range(rng.randrange(12)))
        families, rule = from_words([("--comment", False), (text, True), ("-j", False), ("DROP", False)])
        assert families == BOTH and words(rule) == ["--comment", text, "-j", "DROP"]
        assert from_line(rule) == (BOTH, rule)


@pytest.mark.parametrize(
    ("line", "families", "rule"),
    [
        ("-4 -s 10.0.0.1 -j DROP", {"ipv4"}, "-s 10.0.0.1 -j DROP"),
        ("--ipv6 -j DROP", {"ipv6"}, "-j DROP"),
        ("-4 -6 -j DROP", set(), "-j DROP"),
        ("-A OURS -ptcp -jDROP", BOTH, "-p tcp -j DROP"),
        ("--protocol=tcp --jump=DROP", BOTH, "--protocol tcp --jump DROP"),
        ("-m comment --comment -4 -j DROP", BOTH, '-m comment --comment -4 -j DROP'),
        ('-m comment --comment "it\\\'s"', BOTH, '-m comment --comment "it\\\'s"'),
        ("-m comment --comment 'it'\\''s'", BOTH, '-m comment --comment "it\\\'s"'),
        ("-m recent --set", BOTH, "-m recent --set"),
        ("-m policy --dir in --pol ipsec", BOTH, "-m policy --dir in --pol ipsec"),
        ("", BOTH, ""),
    ],
)  # fmt: skip
def test_forms(line: str, families: set[str], rule: str) -> None:
    assert from_line(line, "OURS") == (families, rule)


@pytest.mark.parametrize(
    "line",
    [
        *("-j DROP\n", "-j DROP\t", "-s \x7f", "-A OTHER -j DROP", "-j DROP -A OURS", "-t nat", "-tnat", "--table nat"),
        *("--table=nat", "--tab nat", "--ta=nat", '"-t" nat', "'--table' nat", "-I OURS", "-D OURS", "-R OURS 1", "-F"),
        *("-X", "-N x", "-P DROP", "-E a b", "-Z", "-L", "-S", "-C OURS", "-w", "-W 5", "-M x", "--modp x", "-c 1 2"),
        *("--set-counters 1 2", "--set-c 1 2", "-v", "-n", "-x", "-fv", "-f4", "-h", "-V", "--", "--exact", "--zero"),
        *("-m a/b", "-j a/b", "-ja/b", "--jump=../x", "-s 'x", 'x"', "x\\"),
    ],
)
def test_what_is_no_part_of_a_rule(line: str) -> None:
    with pytest.raises(ValueError, match=r"not an option|control|quote|is for the chain|not the name|closed"):
        from_line(line, "OURS")


def test_targets() -> None:
    assert target_of('-m comment --comment "-j X -g Y" -p tcp -j WEB') == "WEB"
    assert target_of("-g WEB") == "WEB"
    assert target_of('-m comment --comment "a \\" -j X"') == ""
    assert target_of("-j LOG --log-prefix -j") == "LOG"


def test_edits_are_few_and_right() -> None:
    """Applied to the old list they give the new one; one rule that moves is two edits, whatever the length."""
    rng = random.Random(7)
    for _turn in range(500):
        old = [rng.choice("abcdefgh") for _turn in range(rng.randrange(12))]
        new = [rng.choice("abcdefgh") for _turn in range(rng.randrange(12))]
        gone, come = edits(old, new)
        done = list(old)
        for at in reversed(gone):
            del done[at]
        for at in come:
            done.insert(at, new[at])
        assert done == new
    many = [str(number) for number in range(100_000)]
    assert edits(many, [many[-1], *many[:-1]]) == ([99_999], [0])
    assert edits(many, many) == ([], [])


def test_places_of_jumps() -> None:
    rules = ["a", "b", "c"]
    assert place_in(rules, ("first",)) == 0 and place_in(rules, ("last",)) == 3
    assert place_in(rules, ("before", "b")) == 1 and place_in(rules, ("before", "b"), 0) == 0
    around = ("a", "J", "b", "c")
    assert place_in(rules, ("at", 2, around)) == 1
    assert place_in(["new", *rules, "more"], ("at", 2, around)) == 2
    assert place_in(["b", "c"], ("at", 2, around)) == 0
    assert place_in(["x", "y"], ("at", 2, around), 1) == 1
    assert place_in(["a", "x", "b"], ("at", 2, around), 2) == 2


def test_line_breaks_in_rules_of_others() -> None:
    """iptables takes them in a comment; what follows looks like anything, but is part of that rule."""
    odd = '-m comment --comment "a\\"\n-A INPUT -j DROP\n:X - [0:0]\nCOMMIT\n*nat" -j ACCEPT'
    saved = f"*filter\n:INPUT ACCEPT [0:0]\n:N - [0:0]\n[1:2] -A INPUT {odd}\n[3:4] -A N -j DROP\nCOMMIT\n"
    chains = xtables.parse(saved)["filter"]
    assert chains == {
        "INPUT": xtables.Chain("ACCEPT", (odd,), ("1:2",)),
        "N": xtables.Chain("", ("-j DROP",), ("3:4",)),
    }


def test_words_of_errors() -> None:
    said = (
        "iptables-nft-restore v1.8.9 (nf_tables): \nline 4: RULE_APPEND failed (Invalid argument): rule in chain WEB\n"
    )
    assert xtables.words_of(said) == "RULE_APPEND failed (Invalid argument): rule in chain WEB"
    said = "iptables-restore v1.8.9 (legacy): Couldn't load match `x':No such file or directory\n\nError occurred at "
    said += "line: 4\nTry `iptables-restore -h' or 'iptables-restore --help' for more information.\n"
    assert xtables.words_of(said) == "Couldn't load match 'x':No such file or directory"
