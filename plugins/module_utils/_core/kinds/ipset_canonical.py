# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets and entries in the form in which the node's own ipset(8) prints them.

What is declared is made in a scratch namespace and read back. There, the comment of each entry is its number, which
tells what a range or a service's name has become. An entry whose text is among the live ones needs none of that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..errors import InputError
from ..kernel import ipset as codec
from ..kernel.programs import scratch_namespace
from ..model import Key, Resource

_LIST = "list:set"
# Time-outs shorter than this could end before the scratch set is read.
_LASTING = 3600
_SIMPLE = frozenset({"timeout", "comment", *codec.ENTRY_FLAGS})


@dataclass
class _Job:
    """One set that is declared, or whose entries are.

    Attributes:
        wanted: the declared set; None if only entries are declared.
        header: what it will be made with, or was; None if nobody knows its type, or if the plan will refuse it.
        exists: whether a set of that type and family is live.
        trial: its name in the scratch namespace.
    """

    key: Key
    trial: str
    wanted: Resource | None = None
    entries: list[Resource] = field(default_factory=list)
    header: dict[str, Any] | None = None
    exists: bool = False

    @property
    def path(self) -> str:
        return self.wanted.path if self.wanted is not None else ""

    def option(self, words: str) -> str:
        """The path of the option that ipset's words are about."""
        named = [name for name in codec.HEADER if name in words and self.wanted and name in self.wanted.values]
        name = named[0] if named else "type"
        return f"{self.path}.{name}" if self.path else name


def canonical(
    desired: Mapping[Key, Resource], observed: Mapping[Key, Resource], node: Any, check: bool
) -> dict[Key, Resource]:
    """Those of the declared sets and entries whose canonical form is another one.

    Raises:
        InputError: ipset refuses what is declared; in its words.
    """
    jobs = [job for job in _jobs(desired, observed) if job.header is not None]
    known = {key for key in (*observed, *desired) if key.kind == "ipset"}
    trying = {job.trial: _to_try(job, observed) for job in jobs}
    for job in jobs:
        _refuse_strangers(job, trying[job.trial], known, node, check)
    if not any(trying.values()) and not any(_header_differs(job, observed) for job in jobs):
        return {}
    found: dict[Key, Resource] = {}
    with scratch_namespace() as fd:
        headers = _try_headers(fd, jobs)
        for job in jobs:
            found.update(_header(job, headers[job.trial]))
            if not trying[job.trial]:
                continue
            resolved = _try_entries(fd, job, trying[job.trial], observed)
            untried = {entry.key for entry in job.entries} - {entry.key for entry in trying[job.trial]}
            made = {resource.key for resource in resolved.values()}
            if made & untried:
                # A range covers what is also declared by itself: what comes last holds, so their order matters.
                resolved = _try_entries(fd, job, job.entries, observed)
            found.update(resolved)
    return found


def _jobs(desired: Mapping[Key, Resource], observed: Mapping[Key, Resource]) -> list[_Job]:
    jobs: dict[Key, _Job] = {}
    for key, resource in desired.items():
        owner = Key("ipset", key.netns, key.ident[:1])
        job = jobs.get(owner)
        if job is None:
            job = jobs[owner] = _Job(owner, f"{codec.TEMPORARY}{len(jobs)}")
        if key.kind == "ipset":
            job.wanted = resource
        else:
            job.entries.append(resource)
    for job in jobs.values():
        wanted = dict(job.wanted.values) if job.wanted is not None else {}
        live = observed.get(job.key)
        if live is not None and all(wanted.get(n, live.values[n]) == live.values[n] for n in ("type", "family")):
            job.exists = True
            job.header = {name: wanted.get(name, live.values[name]) for name in codec.HEADER}
        elif "type" in wanted and (live is None or (job.wanted is not None and job.wanted.recreate)):
            job.header = {name: wanted.get(name, "") for name in codec.HEADER}
    return list(jobs.values())


def _header_differs(job: _Job, observed: Mapping[Key, Resource]) -> bool:
    if job.wanted is None:
        return False
    live = observed[job.key].values if job.exists else {}
    return any(live.get(name) != value for name, value in job.wanted.values.items() if name in codec.HEADER)


def _to_try(job: _Job, observed: Mapping[Key, Resource]) -> list[Resource]:
    """The entries that ipset has to look at."""
    if not job.exists or job.header is None:
        return job.entries
    header = job.header
    found = []
    for entry in job.entries:
        values = entry.values
        if entry.key not in observed or not _SIMPLE.issuperset(values):
            found.append(entry)
        elif len(values) > len(codec.ENTRY_FLAGS):
            timeout = values.get("timeout")
            known = timeout is None or (isinstance(timeout, int) and header["timeout"] != "")
            if not known or (values.get("comment") and not header["comment"]):
                found.append(entry)
    return found


def _refuse_strangers(job: _Job, entries: Sequence[Resource], known: set[Key], node: Any, check: bool) -> None:
    """Lists hold sets that exist or are declared with them."""
    if job.header is None or job.header["type"] != _LIST:
        return
    for entry in entries:
        name = entry.key.ident[1]
        if Key("ipset", job.key.netns, (name,)) not in known:
            problem = f"there is no set '{name}'; create it first, or declare it in the same topology"
            if not check:
                raise InputError(entry.path, problem)
            node.warn(f"{entry.path}: {problem}")


def _try_headers(fd: int, jobs: Sequence[_Job]) -> dict[str, codec.Header]:
    lines = [(codec.create(job.trial, job.header or {}), job) for job in jobs]
    try:
        codec.restore(fd, [line for line, _job in lines])
    except codec.Refused:
        for line, job in lines:
            try:
                codec.restore(fd, [line])
            except codec.Refused as problem:
                raise InputError(job.option(problem.words), _explained(problem.words, job)) from None
    return codec.headers(fd)


def _explained(words: str, job: _Job) -> str:
    kind = (job.header or {}).get("type", "")
    if "set type not supported" in words:
        module = "ip_set_" + kind.replace(":", "_").replace(",", "")
        return f"this kernel has no sets of type {kind} (module {module})"
    return f"ipset refuses it: {words}"


def _header(job: _Job, made: codec.Header) -> Iterator[tuple[Key, Resource]]:
    """The options as ipset prints them, of those that were declared."""
    if job.wanted is None:
        return
    values = {n: made.values[n] if n in codec.HEADER else v for n, v in job.wanted.values.items()}
    if values != job.wanted.values:
        yield job.key, job.wanted.with_values(**values)


def _try_entries(
    fd: int, job: _Job, entries: Sequence[Resource], observed: Mapping[Key, Resource]
) -> dict[Key, Resource]:
    """The declared key of each entry → the entry in canonical form, and the others that it stands for."""
    header = {**(job.header or {}), "comment": True}
    trial = f"{job.trial}e"
    lines: list[tuple[str, str]] = [(codec.create(trial, header), ""), (f"flush {trial}", "")]
    if header["type"] == _LIST:
        lines += [(line, "") for line in _members(job, trial, entries, observed)]
    for number, entry in enumerate(entries):
        _refuse_comment(entry, job)
        if entry.values is codec.BARE:
            lines.append((f'add {trial} {entry.key.ident[1]} comment "{number}"', entry.path))
            continue
        values = dict(entry.values)
        if "timeout" in values:
            values["timeout"] = _lasting(values["timeout"])
        values["comment"] = str(number)
        written = codec.write_entry(entry.key.ident[1], values)
        lines.append((f"add {trial} {written}", entry.path))
    _try(fd, lines, job)
    made: dict[int, list[tuple[str, dict[str, Any]]]] = {}
    # In an order that is the same in every scratch set.
    for line in sorted(codec.entries(fd, trial)):
        element, options = codec.parse_entry(line)
        if "comment" in options and str(options["comment"]).isdigit():
            made.setdefault(int(options.pop("comment")), []).append((element, options))
    found: dict[Key, Resource] = {}
    for number, entry in enumerate(entries):
        resources = [_entry(entry, element, options) for element, options in made.get(number, ())]
        found.update((resource.key, resource) for resource in resources)
        if resources and entry.key not in {resource.key for resource in resources}:
            found[entry.key] = resources[0]
    for entry in entries:
        # All that it stands for is declared again below it.
        if entry.key not in found and found:
            found[entry.key] = next(iter(found.values()))
    return found


def _members(job: _Job, trial: str, entries: Sequence[Resource], observed: Mapping[Key, Resource]) -> Iterator[str]:
    """Stand-ins for the sets that a list holds, and will hold."""
    live: list[str] = []
    for key in observed:
        if key.kind == "ipset_entry" and key.netns == job.key.netns and key.ident[0] == job.key.ident[0]:
            live.append(key.ident[1])
    named = [entry.key.ident[1] for entry in entries]
    named += [entry.values[word] for entry in entries for word in ("before", "after") if word in entry.values]
    for name in dict.fromkeys([*live, *named]):
        yield f"create {name} hash:ip"
    declared = {entry.key.ident[1] for entry in entries}
    for name in live:
        if name not in declared:
            yield f"add {trial} {name}"


def _refuse_comment(entry: Resource, job: _Job) -> None:
    if entry.values.get("comment") and not (job.header or {}).get("comment"):
        raise InputError(
            entry.path, "ipset refuses it: Comment cannot be used: set was created without comment support"
        )


def _lasting(timeout: Any) -> Any:
    return max(timeout, _LASTING) if isinstance(timeout, int) and timeout else timeout


def _entry(entry: Resource, element: str, options: Mapping[str, Any]) -> Resource:
    """The entry with what ipset made of it; what moves by itself stays as declared."""
    if entry.values is codec.BARE and not options and element == entry.key.ident[1]:
        return entry
    values = dict(entry.values)
    for name in values:
        if name.startswith("skb"):
            values[name] = options.get(name, "")
    for name in codec.ENTRY_FLAGS:
        values[name] = options.get(name, False)
    return Resource(Key("ipset_entry", entry.key.netns, (entry.key.ident[0], element)), values, entry.path)


def _try(fd: int, lines: Sequence[tuple[str, str]], job: _Job) -> None:
    """Carries the lines out in the scratch namespace; says which entry is refused."""
    try:
        codec.restore(fd, [line for line, _path in lines])
        return
    except codec.Refused as problem:
        number, words = problem.line, problem.words
    good, bad = 0, len(lines)
    while number is None and bad - good > 1:
        # Some complaints come without a line: the shortest beginning that is refused ends with the culprit.
        middle = (good + bad) // 2
        try:
            codec.restore(fd, [line for line, _path in lines[:middle]])
            good = middle
        except codec.Refused as problem:
            bad, number, words = middle, problem.line, problem.words
    path = lines[bad - 1 if number is None else number][1]
    raise InputError(path or job.option(words), _explained(words, job))
