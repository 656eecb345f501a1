# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Chains of iptables(8) as a whole: their rules, in order, and the policy of those that are built in."""

from __future__ import annotations

from collections.abc import Collection, Container, Mapping, Sequence
from typing import Any

from ..errors import InputError
from ..fields import Field
from ..kernel import xtables
from ..kernel.xtables import BACKENDS, BUILTIN, FAMILIES
from ..kernel.xtables_scratch import sets_of
from ..model import Action, Change, Declaration, Key, Resource, Stage, Step
from .base import PLACE, Declarable, Kind, Place, Wanted, present
from .iptables_apply import apply, tidy
from .iptables_edits import edits
from .iptables_jump import JUMP, add_jump
from .iptables_look import look
from .iptables_options import RULE, Given, given_rule
from .iptables_resolve import resolve
from .iptables_rule import chain_name, short, target_of, unwritable

_COMPARED = ("rules", "policy")


class IptablesChainKind(Kind):
    name = "iptables_chain"
    rank = 8
    add = Stage.CHAIN
    remove = Stage.REMOVE_CHAIN
    follows_device = False
    batch = "iptables"
    resolves_batch = True

    def observe(self, node: Any, netns: str, wanted: Wanted | None) -> dict[Key, Resource]:
        return look(node, netns, None if wanted is None else wanted.keys())

    def resolve(
        self, desired: Mapping[Key, Resource], observed: Mapping[Key, Resource], node: Any, check: bool
    ) -> Mapping[Key, Resource]:
        return resolve(desired, observed, node, check)

    def compare(self, desired: Resource, observed: Resource) -> tuple[str, ...]:
        names = (name for name in _COMPARED if desired.values.get(name) is not None)
        return tuple(name for name in names if desired.values[name] != observed.values.get(name))

    def references(self, resource: Resource) -> list[tuple[str, Key]]:
        """Sets; iptables itself tells of chains that are missing, in `resolve`."""
        found: dict[str, str] = {}
        for number, rule in enumerate(resource.values.get("rules") or ()):
            text = rule.text if isinstance(rule, Given) else rule
            for name in sets_of(text):
                found.setdefault(name, f"rules[{number}]")
        return [(option, Key("ipset", resource.key.netns, (name,))) for name, option in found.items()]

    def blocked(self, resource: Resource, absent: Collection[Key], desired: Mapping[Key, Resource]) -> str:
        backend, family, table, name = resource.key.ident
        netns = resource.key.netns
        odd = unwritable(resource.values["rules"])
        if odd:
            return f"it holds a rule with control characters, which could not be brought back: {short(odd)!r}"
        for chain, rule in resource.values["referrers"]:
            key = Key(self.name, netns, (backend, family, table, chain))
            stays = desired[key].values.get("rules") if key in desired else None
            if key in absent or Key("iptables_jump", netns, (*key.ident, rule)) in absent:
                continue
            if stays is None or rule in stays:
                return f"the chain {chain} still jumps to it, by the rule '{short(rule)}'"
        for key, other in desired.items():
            if key[:2] != (self.name, netns) or key.ident[:3] != (backend, family, table):
                continue
            if any(name in rule and target_of(rule) == name for rule in other.values.get("rules") or ()):
                return f"the chain {key.ident[3]} is to jump to it"
        return ""

    def as_found(self, values: Mapping[str, Any], key: Key, absent: Container[Key]) -> Mapping[str, Any]:
        if "rules" not in values:
            return values
        place = key.ident[:3]
        going = (rule for rule in values["rules"] if Key(self.name, key.netns, (*place, target_of(rule))) in absent)
        gone = set(going)
        return {**values, "rules": tuple(rule for rule in values["rules"] if rule not in gone)}

    def show(self, change: Change) -> tuple[list[str], list[str]] | None:
        """Of rules, those that go, come or move, with their numbers."""
        old = change.before.values if change.before is not None else {}
        new = change.after.values if change.after is not None else {}
        if change.action is Action.CHANGE:
            new = {name: new[name] for name in change.fields}
        before, after = [], []
        if change.action is not Action.CHANGE or "policy" in new:
            before += [f"policy {old['policy']}"] if old.get("policy") else []
            after += [f"policy {new['policy']}"] if new.get("policy") else []
        if change.action is not Action.CHANGE or "rules" in new:
            rules, wanted = old.get("rules") or (), new.get("rules") or ()
            gone, come = edits(rules, wanted)
            before += [f"{at + 1}: {rules[at]}" for at in gone]
            after += [f"{at + 1}: {wanted[at]}" for at in come]
        return before, after

    def execute(self, steps: Sequence[Step], node: Any) -> None:
        apply(steps, node)

    def tidy(self, declaration: Declaration, node: Any) -> None:
        tidy([key for key, gone in declaration.absent.items() if key.kind == self.name and not gone.path], node)


class IptablesChainDeclaration(Declarable):
    name = "iptables_chain"
    fields = {
        "chain": Field("str", "The name of the chain.", required=True, check=chain_name),
        "table": Field("str", "The table that it is in.", default="filter", choices=tuple(BUILTIN)),
        "ip_version": Field(
            "str",
            (
                "The IP version. V(both) makes the same chain for each; a rule with C(-4) or C(-6), or with its own "
                "C(ip_version), is then for that one alone.",
            ),
            default="ipv4",
            choices=("ipv4", "ipv6", "both"),
        ),
        "rules": Field(
            "list",
            (
                "The rules of the chain, in order: it gets exactly these. Without it, the chain is made, and what is "
                "in it is left alone.",
                "Each is a text, such as C(iptables -A CHAIN) takes, or a dictionary whose options have the same names "
                "as in M(ansible.builtin.iptables).",
                "Chains, sets and other objects that a rule refers to must exist, or be declared in the same topology.",
                "Names of hosts are looked up in the files of the node only.",
            ),
            elements="raw",
            fields=RULE,
            shorthand="rule",
        ),
        "policy": Field(
            "str",
            "What happens to packets that reach the end of a chain that is built in.",
            choices=("ACCEPT", "DROP"),
        ),
        "jumps": Field(
            "list",
            (
                "From which chains of the table this one is reached. A text is the name of such a chain.",
                "Rules of others in those chains are left alone.",
            ),
            elements="raw",
            fields=JUMP,
            shorthand="from",
        ),
        "backend": Field(
            "str",
            (
                "Which of the kernel's two packet filters: V(nft) (nf_tables) or V(legacy) (x_tables).",
                "Without it, that of the node's own C(iptables). Rules should not be split over both: a packet meets "
                "the rules of both.",
            ),
            choices=BACKENDS,
        ),
        **PLACE,
    }

    def declare(self, options: Mapping[str, Any], path: str, place: Place) -> None:
        chain, table = options["chain"], options["table"]
        dot = f"{path}." if path else ""
        self._refuse(options, dot)
        version = options["ip_version"]
        given = [given_rule(rule, chain, f"{dot}rules[{i}]") for i, rule in enumerate(options.get("rules", ()))]
        for family in FAMILIES if version == "both" else (version,):
            backend = _backend(options, family)
            values: dict[str, Any] = {}
            if present(options):
                if "rules" in options:
                    values["rules"] = tuple(rule for rule in given if family in rule.families)
                if "policy" in options:
                    values["policy"] = options["policy"]
            key = Key(self.name, place.at(options), (backend, family, table, chain))
            place.add(Resource(key, values, path), present(options))
            if values.get("rules") is not None:
                _refuse_jumps_from(place, key, path)
            for number, jump in enumerate(options.get("jumps", ())):
                add_jump(key, jump, f"{dot}jumps[{number}]", present(options), place)

    def _refuse(self, options: Mapping[str, Any], dot: str) -> None:
        chain, table = options["chain"], options["table"]
        if chain in BUILTIN[table]:
            if not present(options):
                raise InputError(f"{dot}state", f"{chain} is built in and cannot be absent; rules: [] empties it")
            if options.get("jumps"):
                raise InputError(f"{dot}jumps", f"{chain} is built in, and no chain can jump to it")
            return
        if any(chain in names for names in BUILTIN.values()):
            raise InputError(
                f"{dot}chain", f"the table {table} has no chain {chain} (it has {', '.join(BUILTIN[table])})"
            )
        if "policy" in options:
            raise InputError(f"{dot}policy", f"{chain} is not built in, and only those chains have a policy")


def _backend(options: Mapping[str, Any], family: str) -> str:
    """'' for the node's own, also where it is named, so that one chain has one name."""
    backend = str(options.get("backend", ""))
    return "" if backend and xtables.is_default(backend, family) else backend


def _refuse_jumps_from(place: Place, key: Key, path: str) -> None:
    """Who says what a chain holds says it all."""
    for other in place.declaration.desired.values():
        if other.key.kind == "iptables_jump" and other.key[1:] == (key.netns, (*key.ident, other.key.ident[4])):
            holder = f"{key.ident[3]} has rules of its own" + (f" in {path}" if path else "")
            raise InputError(f"{other.path}.from", f"{holder}: put the jump among them")
