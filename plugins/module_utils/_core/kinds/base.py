# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a kind of object is, and what a declaration (the options of a module) is."""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from typing import Any, Callable, Protocol

from ..canonical import netns_ref
from ..errors import InputError, KernelError, MissingError
from ..fields import Field, Fields
from ..model import Action, Change, Declaration, Exact, Key, Resource, Stage, Step, Verb, describe

# Which fields of which objects a run compares; None for everything (network_info). A key without an ident says that
# others of its kind in its namespace matter too, one without a kind that all does which is in its namespace.
Wanted = Mapping[Key, frozenset[str]]


def reads_all(kind: str, netns: str, wanted: Wanted | None) -> bool:
    """Whether all objects of a kind in a namespace are to be read, not only those like the ones that are wanted."""
    return not wanted or Key(kind, netns, ()) in wanted


class StepError(Exception):
    """A step that the kernel refused.

    Args:
        step: which.
        error: what the kernel said.
    """

    def __init__(self, step: Step, error: KernelError | MissingError) -> None:
        super().__init__(str(error))
        self.step = step
        self.error = error


class Context(Protocol):
    """What a kind may ask of the plan while it turns changes into steps."""

    def depth(self, key: Key) -> int:
        """How many links that this run creates must be there before this one."""

    def goes(self, key: Key) -> bool:
        """Whether this run deletes it."""

    def partner(self, resource: Resource) -> Resource | None:
        """The other end of a veth that is to be created with this one."""


class Kind:
    """One kind of object: how it is read, compared, created, changed, removed.

    Attributes:
        name: the `kind` of its keys.
        rank: order of creation; deletion goes the other way.
        add, remove: the stages of its creation and deletion.
        owned: False for settings, which are changed and restored but never created or deleted.
        follows_device: it vanishes with the link that its ident begins with.
        batch: kinds of the same batch are carried out together, by `execute` of any of them; '' is on its own.
        resolves_batch: `resolve` gets what is declared of all kinds of the batch at once.
        resolves_absent: what is to be absent goes through `resolve` too, for its key is not canonical.
        parting: the declared values that say how it goes; they are remembered, and never compared.
        holds: while one that others have made is there, what it is in stays, whoever made that.
    """

    name = ""
    rank = 0
    add: Stage = Stage.SETTINGS
    remove: Stage = Stage.RESTORE
    owned = True
    follows_device = True
    batch = ""
    resolves_batch = False
    resolves_absent = False
    parting: tuple[str, ...] = ()
    holds = False

    def observe(self, node: Any, netns: str, wanted: Wanted | None) -> dict[Key, Resource]:
        """What exists of this kind in a namespace; at least all that `wanted` names."""
        raise NotImplementedError

    def resolve(
        self, desired: Mapping[Key, Resource], observed: Mapping[Key, Resource], node: Any, check: bool
    ) -> Mapping[Key, Resource]:
        """Those of the declared objects of this kind for which only the node knows the canonical form, in that form.

        Args:
            check: nothing will be changed; a reference to what an earlier task may make is a warning then.

        Raises:
            InputError: the node does not understand, or refuses, what was declared.
        """
        return {}

    def compare(self, desired: Resource, observed: Resource) -> tuple[str, ...]:
        """The names of the fields that were set and differ."""
        return tuple(name for name, value in desired.values.items() if observed.values.get(name) != value)

    def immutable(self, desired: Resource, fields: Iterable[str]) -> tuple[str, ...]:
        """Those of the fields that a live object cannot change."""
        return ()

    def complete(self, resource: Resource) -> None:
        """Refuses the creation of an object of which too little was said (InputError)."""

    def references(self, resource: Resource) -> list[tuple[str, Key]]:
        """(option, key) of the objects that must exist for this one."""
        if not self.follows_device:
            return []
        return [("device", Key("link", resource.key.netns, (resource.key.ident[0],)))]

    def blocked(self, resource: Resource, absent: Collection[Key], desired: Mapping[Key, Resource]) -> str:
        """Why an existing object may not be deleted, as the end of a sentence; '' if it may.

        Args:
            absent: what is to be deleted in the same run.
            desired: what will be there.
        """
        return ""

    def as_found(self, values: Mapping[str, Any], key: Key, absent: Container[Key]) -> Mapping[str, Any]:
        """The values that an adopted object had, without what refers to objects that go in the same run."""
        return values

    def superseded(self, key: Key, desired: Mapping[Key, Resource]) -> bool:
        """Whether something that is declared says all about this one, so that its owner need not delete it."""
        return False

    def show(self, change: Change) -> tuple[list[str], list[str]] | None:
        """The lines of --diff before and after, below the object's name; None for a line per field."""
        return None

    def restorable(self, resource: Resource) -> bool:
        """Whether a roll-back makes this anew; not what the kernel makes by itself."""
        return True

    def devices(self, observed: Resource) -> Iterable[str]:
        """The devices from whose exact lists an object that is there may be missing."""
        return ()

    def extra(self, observed: Resource) -> Resource:
        """What becomes of one that is there and not in an exact list: itself, to be removed, or a partial one."""
        return observed

    def leaving(self, observed: Resource, said: Resource, desired: Mapping[Key, Resource]) -> Resource:
        """What is to be deleted, with what was said of how (see `parting`)."""
        return observed

    def lends(self, change: Change) -> list[Key]:
        """The settings that are other than they should be while a change is carried out."""
        return []

    def steps(self, change: Change, context: Context) -> list[Step]:
        """The requests that carry out a change."""
        if change.action is Action.DELETE:
            stage = Stage.CLEAR if change.early else self.remove
            return [Step(stage, Verb.DELETE, change, change.old, before=change.old)]
        if change.action is Action.CREATE:
            return [Step(self.add, Verb.ADD, change, change.new, change.new.values)]
        whole = change.old.with_values(**change.new.values)
        return [Step(self.add, Verb.SET, change, whole, whole.values, change.before)]

    def tidy(self, declaration: Declaration, node: Any) -> None:
        """Takes away what a killed run has left of this kind, and what is no object."""

    def encode(self, step: Step, node: Any) -> bytes:
        """The rtnetlink message of a step."""
        raise NotImplementedError

    def execute(self, steps: Sequence[Step], node: Any) -> None:
        """Sends the steps of one stage, those of a namespace together.

        Raises:
            StepError: for the first step that was refused; those after it may have been carried out.
        """
        for netns, group in by_netns(steps).items():
            node.send(netns, encoded(group, lambda step: [self.encode(step, node)]))


def encoded(steps: Iterable[Step], messages: Callable[[Step], Iterable[bytes]]) -> list[tuple[Step, bytes]]:
    """The messages of the steps; with the link that it is on, what is to be deleted has gone too.

    Raises:
        StepError: the link of a step does not exist.
    """
    pairs: list[tuple[Step, bytes]] = []
    for step in steps:
        try:
            pairs += [(step, message) for message in messages(step)]
        except KernelError as problem:
            if step.verb is not Verb.DELETE:
                action = f"{step.verb.value} {describe(step.resource)}"
                raise StepError(step, KernelError(problem.errno, action, problem.words)) from None
    return pairs


def by_netns(steps: Sequence[Step]) -> dict[str, list[Step]]:
    """The steps, grouped by the namespace of their objects, in order."""
    groups: dict[str, list[Step]] = {}
    for step in steps:
        groups.setdefault(step.key.netns, []).append(step)
    return groups


class Place:
    """Where declared objects go, and the declaration that collects them.

    Args:
        declaration: filled by the declare functions.
        netns: reference that a relative element (no `netns`) stands for.
        canonical: gives every reference to one namespace the same form.

    Attributes:
        path: of the element that is being declared, for error messages.
    """

    def __init__(
        self, declaration: Declaration, netns: str = "", canonical: Callable[[str], str] = lambda ref: ref
    ) -> None:
        self.declaration = declaration
        self.netns = ""
        self.path = ""
        self._canonical = canonical
        self.netns = self.netns_of(netns)

    def at(self, options: Mapping[str, Any]) -> str:
        return self.netns_of(options.get("netns"))

    def netns_of(self, ref: str | None, option: str = "netns") -> str:
        """The namespace that an option of the element at `path` names; the place's own for none."""
        if not ref:
            return self.netns
        try:
            return self._canonical(ref)
        except MissingError as problem:
            raise InputError(f"{self.path}.{option}" if self.path else option, str(problem)) from None

    def add(self, resource: Resource, present: bool = True) -> None:
        """Collects an object; what is declared twice must not contradict itself."""
        table, other = self.declaration.desired, self.declaration.absent
        if not present:
            table, other = other, table
        if resource.key in other:
            raise InputError(resource.path, f"is both present and absent (see {other[resource.key].path})")
        known = table.get(resource.key)
        table[resource.key] = resource if known is None else merge(known, resource)

    def exact(self, options: Mapping[str, Any], option: str, kind: str, netns: str, device: str) -> None:
        if options.get(option):
            self.declaration.exact.append(Exact(kind, netns, device))


def merge(known: Resource, added: Resource) -> Resource:
    """One object from two declarations, one of which at most may be whole."""
    if not (known.partial or added.partial):
        raise InputError(added.path, f"the same object is declared twice (see {known.path})")
    for name, value in added.values.items():
        if known.values.get(name, value) != value:
            problem = f"{name} is {value!r} here, but {known.values[name]!r} in {known.path}"
            raise InputError(added.path, problem)
    whole = added if known.partial else known
    return Resource(
        key=whole.key,
        values={**known.values, **added.values},
        path=whole.path,
        partial=known.partial and added.partial,
        recreate=known.recreate or added.recreate,
        source=known.source or added.source,
    )


class Declarable:
    """The options of one module, which are also those of an element of topology's list of that name."""

    name = ""
    fields: Fields = {}

    def declare(self, options: Mapping[str, Any], path: str, place: Place) -> None:
        """Adds the objects that the parsed options stand for."""
        raise NotImplementedError


STATE = Field(
    "str",
    "Whether it should exist. V(absent) of what is not there changes nothing.",
    default="present",
    choices=("present", "absent"),
)
NETNS = Field(
    "str",
    (
        "The network namespace it lives in, by name (V(web1)), by path (V(/proc/123/ns/net)), "
        "or as V(pid:123), V(docker:NAME), V(podman:NAME), V(lxc:NAME) or V(machine:NAME).",
        "Without it, the namespace the task runs in; for an element of a topology, that of the topology.",
    ),
    check=netns_ref,
)
PLACE: Fields = {"netns": NETNS, "state": STATE}


def present(options: Mapping[str, Any]) -> bool:
    return bool(options.get("state", "present") == "present")
