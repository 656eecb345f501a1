# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jumps from one chain of iptables(8) to another: single rules in chains that may belong to others."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ..errors import InputError
from ..fields import Field, parse
from ..model import Action, Change, Key, Resource, Stage, Step
from .base import Context, Kind, Place, Wanted
from .iptables_apply import apply
from .iptables_look import BEFORE, FIRST, LAST, jump_holds, look
from .iptables_options import RULE, given_match, given_rule
from .iptables_resolve import resolve
from .iptables_rule import chain_name, quote, short, target_of

JUMP = {
    "from": Field("str", "The chain that jumps, built in or not.", required=True, check=chain_name),
    "position": Field(
        "str",
        (
            "V(first) means that no rule comes before it whose target is not a chain: so the jumps of several owners "
            "can be first beside each other.",
            "V(last) means that it is added at the end, and stays where it is if it is there already. This is the "
            "default.",
        ),
        choices=(FIRST, LAST),
    ),
    "before": Field(
        "raw",
        (
            "A rule of that chain, as a text or a dictionary like those of C(rules), before which it stands. "
            "Not together with C(position)."
        ),
        shorthand="rule",
    ),
    "match": Field(
        "raw",
        "Which packets jump: a rule without a target, as a text or a dictionary like those of C(rules).",
        shorthand="rule",
    ),
    "goto": Field("bool", "Do not come back to the rule after it (C(-g) instead of C(-j)).", default=False),
    "comment": Field("str", "A comment on the jump."),
}


class IptablesJumpKind(Kind):
    """Its identity is the chain that it is in and the whole rule, so that only its position can differ."""

    name = "iptables_jump"
    rank = 9
    add = Stage.CHAIN
    remove = Stage.REMOVE_CHAIN
    follows_device = False
    resolves_absent = True
    batch = "iptables"
    resolves_batch = True

    def observe(self, node: Any, netns: str, wanted: Wanted | None) -> dict[Key, Resource]:
        return {} if wanted is None else look(node, netns, wanted.keys())

    def resolve(
        self, desired: Mapping[Key, Resource], observed: Mapping[Key, Resource], node: Any, check: bool
    ) -> Mapping[Key, Resource]:
        return resolve(desired, observed, node, check)

    def compare(self, desired: Resource, observed: Resource) -> tuple[str, ...]:
        position = desired.values.get("position")
        holds = position is None or jump_holds(position, observed)
        return () if holds else ("position",)

    def references(self, resource: Resource) -> list[tuple[str, Key]]:
        return [("from", Key("iptables_chain", resource.key.netns, resource.key.ident[:4]))]

    def blocked(self, resource: Resource, absent: Collection[Key], desired: Mapping[Key, Resource]) -> str:
        """Nothing is; but another jump cannot stand before one that goes (InputError)."""
        where, rule = resource.key.ident[:4], resource.key.ident[4]
        for key, other in desired.items():
            if (
                key[:2] == resource.key[:2]
                and key.ident[:4] == where
                and other.values.get("position") == (BEFORE, rule)
            ):
                raise InputError(f"{other.path}.before", f"the rule '{short(rule)}' is to go in the same run")
        return ""

    def steps(self, change: Change, context: Context) -> list[Step]:
        """Where chains change places, no jump can come before another goes; else rules outlive what they guard."""
        steps = super().steps(change, context)
        where, rule = change.key.ident[:4], change.key.ident[4]
        chains = (Key("iptables_chain", change.key.netns, (*where[:3], name)) for name in (where[3], target_of(rule)))
        if change.action is Action.DELETE and not any(map(context.goes, chains)):
            steps = [step._replace(stage=self.add) for step in steps]
        return steps

    def superseded(self, key: Key, desired: Mapping[Key, Resource]) -> bool:
        source = desired.get(Key("iptables_chain", key.netns, key.ident[:4]))
        return source is not None and source.values.get("rules") is not None

    def show(self, change: Change) -> tuple[list[str], list[str]] | None:
        return _place(change.before), _place(change.after)

    def execute(self, steps: Sequence[Step], node: Any) -> None:
        apply(steps, node)


def _place(resource: Resource | None) -> list[str]:
    position = resource.values.get("position") if resource is not None else None
    return [f"position {' '.join(str(part) for part in position[:2])}"] if position else []


def add_jump(target: Key, options: Mapping[str, Any], path: str, present: bool, place: Place) -> None:
    """Declares a jump to a chain, for its family.

    Raises:
        InputError: with the path.
    """
    backend, family, table, name = target.ident
    source = options["from"]
    if "before" in options and "position" in options:
        raise InputError(f"{path}.before", "says the position already; leave position out")
    if source == name:
        raise InputError(f"{path}.from", "a chain cannot jump to itself")
    families, match = given_match(parse(RULE, options.get("match", {}), f"{path}.match"), f"{path}.match")
    if family not in families:
        return
    comment = f"-m comment --comment {_comment(options, path)}" if "comment" in options else ""
    rule = " ".join(part for part in (match, comment, "-g" if options["goto"] else "-j", name) if part)
    values: dict[str, Any] = {}
    if "before" in options:
        before = given_rule(parse(RULE, options["before"], f"{path}.before"), source, f"{path}.before")
        values["position"] = ("before", before.text)
    elif "position" in options:
        values["position"] = (options["position"],)
    key = Key("iptables_jump", target.netns, (backend, family, table, source, rule))
    holder = place.declaration.desired.get(Key("iptables_chain", target.netns, (*target.ident[:3], source)))
    if present and holder is not None and holder.values.get("rules") is not None:
        problem = f"{source} has rules of its own in {holder.path}: put the jump among them"
        raise InputError(f"{path}.from", problem)
    place.add(Resource(key, values if present else {}, path), present)


def _comment(options: Mapping[str, Any], path: str) -> str:
    _families, text = given_match({"comment": options["comment"]}, path)
    return text.partition("--comment ")[2] or quote("")
