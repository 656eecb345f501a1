# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One way from a state to another, with a kill or a refusal at each call on it, and what must hold afterwards."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.faults.everything import ABSENT
from tests.faults.hook import Fault
from tests.faults.runs import Options, Outcome, run
from tests.faults.state import everything
from tests.integration.support.kernel import same, sh

# What a kernel says of what is not there; of something that is, and is to be deleted, it cannot say so.
GONE = (errno.ENOENT, errno.ESRCH, errno.ENODEV, errno.EADDRNOTAVAIL)
NETLINK = (errno.EEXIST, errno.ENODEV, errno.EBUSY, errno.ENOBUFS, errno.EPERM)
FILES = (errno.ENOSPC, errno.EPERM)


@dataclass
class Way:
    """A way that a topology takes.

    Args:
        before: shell lines that make what others have.
        start: what the owner declared before.
        want: what it declares.
        programs: whether any of it needs programs.
        flow: a line that makes what a run consumes, before each.
    """

    before: str
    start: Options
    want: Options
    programs: bool = True
    flow: str = "true"

    def prepare(self) -> None:
        """Walks it once, for what is there at each end, and the calls between."""
        sh(self.before)
        self.clean = self.look()
        self.begin()
        self.origin = self.look()
        walked = self.walk()
        assert walked.fine and not walked.missed, (walked.said, walked.missed)
        self.calls: Sequence[str] = walked.calls
        self.there = self.look()
        self.end()
        self.begin()

    def look(self) -> dict[str, Any]:
        return everything(programs=self.programs)

    def walk(self, fault: Fault | None = None) -> Outcome:
        return run("topology", self.want, fault or Fault())

    def begin(self) -> None:
        if self.start is not ABSENT:
            done = run("topology", self.start)
            assert done.fine and not done.missed, (done.said, done.missed)
        sh(self.flow)

    def end(self) -> None:
        done = run("topology", ABSENT)
        assert done.fine and not done.missed, (done.said, done.missed)
        same(self.look(), self.clean, "something was left")

    # -- what must hold

    def killed(self, number: int, by: int, *, converge: bool, during: bool = False) -> None:
        """After a kill, the next run gets there, the one after it has nothing to do, and absent leaves nothing."""
        outcome = self.walk(Fault(number, signal=by, during=during))
        assert outcome.result is None, f"it was not killed, but said {outcome.result}"
        assert outcome.calls[:number] == tuple(self.calls[:number])
        if converge:
            done = self.walk()
            assert done.fine, done.said
            assert not self.walk().changed, "the second run changes again"
            same(_old_values_aside(self.look()), _old_values_aside(self.there), "the next run does not converge")
        self.end()
        self.begin()

    def refused(self, fault: Fault) -> str:
        """After a refusal, all is as before and the message says so, or nothing is missing; returns which."""
        outcome = self.walk(fault)
        found = self.look()
        if outcome.fine:
            # What this run called then: it may have had less to do than the one whose calls were counted.
            self.forgive(outcome.calls[fault.at - 1], found)
            same(found, self.there, "it says that all went well")
            self.end()
            self.begin()
            return "done without it"
        said = outcome.said
        assert "defect of the collection" not in said and "\n" not in said, (said, outcome.result)
        if said.endswith("taking it back failed: what was in a deleted namespace does not come back"):
            assert "unlink netns" in self.calls[: fault.at], said
            done = self.walk()
            assert done.fine, done.said
            same(self.look(), self.there, "the next run does not converge")
            self.end()
            self.begin()
            return "a namespace was gone"
        assert "taking it back failed" not in said, said
        if "all was changed as asked" in said:
            self.unsaved(found)
            return "done, but not remembered"
        words = (errno.errorcode[fault.errno], os.strerror(fault.errno), "not permitted")
        # In the scratch namespace, iptables finds the set missing then.
        assert any(word in said for word in words) or self.calls[fault.at - 1] == "IPSET_CREATE", said
        same(found, self.origin, f"not as before, though it said: {said}")
        return "taken back" if "what this run had changed was taken back" in said else "nothing begun"

    def forgive(self, label: str, found: dict[str, Any]) -> None:
        """What a refused call was to tidy away is still there, and does no harm."""
        if label == "unlink lock":
            del found["files"]["/run/containerland.lock"]
        if label == "unlink state":
            found["files"].pop("/var/lib/containerland/.t.json.before", None)
        if label == "NFT_BATCH":
            found["nft"] = self.there["nft"]

    def unsaved(self, found: dict[str, Any]) -> None:
        """Only where namespaces went, which do not come back; the next run puts the state file right."""
        assert any(call == "unlink netns" for call in self.calls)
        same({**found, "files": None}, {**self.there, "files": None}, "not all was changed")
        done = self.walk()
        assert done.fine and not done.changed, done.result
        same(self.look(), self.there, "the state file is not put right")
        self.end()
        self.begin()


def _old_values_aside(found: dict[str, Any]) -> dict[str, Any]:
    """A setting of a link that the killed run had made: the next run finds it, and remembers how."""
    for content in found["files"].values():
        for entry in content.get("objects", ()) if isinstance(content, dict) else ():
            if entry["key"][0] == "sysctl":
                entry.pop("original", None)
    return found


def is_program(label: str) -> bool:
    return label.startswith(("ip", "NFT")) and not label.startswith("IPVS")


def refusals(label: str) -> tuple[Fault, ...]:
    """The faults that a call can have, without its number."""
    if label.startswith(("RTM_", "IPVS_", "WG_")):
        deletes = "DEL" in label
        found = [Fault(errno=number) for number in NETLINK if not (deletes and number in GONE)]
        return (*found, Fault(errno=errno.ENOBUFS, lost=True))
    if label.split(" ")[0] in ("mount", "umount2", "unshare"):
        return tuple(Fault(errno=number) for number in (errno.EBUSY, errno.EPERM))
    if "sysctl" in label:
        return tuple(Fault(errno=number) for number in (errno.EBUSY, errno.EPERM))
    if label == "write state":
        return tuple(Fault(errno=errno.ENOSPC, again=again) for again in (False, True))
    if label.split(" ")[-1] in ("state", "netns", "lock", "temporary", "file"):
        return tuple(Fault(errno=number) for number in FILES)
    return (Fault(errno=errno.ENOBUFS),)
