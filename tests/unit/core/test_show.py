# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The text of --diff; and that secrets are in no text."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from ansible_collections.containerland.net.plugins.module_utils._core.errors import ContainerlandError
from ansible_collections.containerland.net.plugins.module_utils._core.model import REDACTED, Key

from .everything import run
from .fake import FakeWorld
from .fake_kernel import FakeKernel

KEYS = [base64.b64encode(bytes([letter]) * 32).decode() for letter in b"abcdef"]
PRIVATE, SHARED, NEW_PRIVATE, NEW_SHARED, PUBLIC, OTHER = KEYS
SECRETS = (PRIVATE, SHARED, NEW_PRIVATE, NEW_SHARED)


def tunnel(private: str, shared: str, **more: Any) -> dict[str, Any]:
    peers = [{"public_key": PUBLIC, "preshared_key": shared, "allowed_ips": ["10.0.0.0/8"]}]
    return {"link": [{"name": "wg0", "kind": "wireguard", "private_key": private, "peers": peers, **more}]}


def test_a_change_shows_only_what_differs() -> None:
    kernel = FakeKernel()
    run(FakeWorld(kernel), {"bridge": [{"name": "br0", "addresses": ["10.0.0.1/24"]}]})
    report = run(FakeWorld(kernel), {"bridge": [{"name": "br0", "mtu": 1400, "stp": True, "alias": "x"}]}, check=True)
    assert report.plan.diff() == {
        "before": "bridge 'br0'\n  alias: \"\"\n  mtu: 1500\n  stp: false\n",
        "after": "bridge 'br0'\n  alias: x\n  mtu: 1400\n  stp: true\n",
    }


def test_creation_and_removal() -> None:
    kernel = FakeKernel()
    route = {"dest": "10.0.0.0/8", "type": "blackhole"}
    made = run(FakeWorld(kernel), {"route": [route]}).plan.diff()
    assert made == {"before": "", "after": "route '10.0.0.0/8'\n  nexthops: []\n  protocol: 4\n  type: blackhole\n"}
    gone = run(FakeWorld(kernel), {"route": [{**route, "state": "absent"}]}).plan.diff()
    assert gone["after"] == "" and gone["before"].startswith("route '10.0.0.0/8'\n")


def test_secrets_are_never_shown() -> None:
    kernel = FakeKernel()
    texts = []
    for options in (tunnel(PRIVATE, SHARED), tunnel(NEW_PRIVATE, NEW_SHARED)):
        report = run(FakeWorld(kernel), options)
        texts += [*report.plan.diff().values(), *report.plan.lines()]
    report = run(FakeWorld(kernel), {"link": [{"name": "wg0", "kind": "wireguard", "state": "absent"}]})
    shown = "".join([*texts, *report.plan.diff().values(), *report.plan.lines()])
    assert "private_key, peers" in shown and PUBLIC in shown
    assert f"private_key: {REDACTED}" in shown and f"preshared_key: {REDACTED}" in shown
    assert not [secret for secret in SECRETS if secret in shown]


class DeafWorld(FakeWorld):
    """Takes every step and forgets the keys."""

    def __init__(self, kernel: FakeKernel, forgotten: str) -> None:
        super().__init__(kernel)
        self._forgotten = forgotten

    def observe(self, *arguments: Any, **how: Any) -> Any:
        values = self.kernel.objects.get(Key("link", "", ("wg0",)))
        if values is not None:
            values[self._forgotten] = () if self._forgotten == "peers" else OTHER
        return super().observe(*arguments, **how)


@pytest.mark.parametrize("forgotten", ["private_key", "peers"])
def test_no_error_shows_a_secret(forgotten: str) -> None:
    with pytest.raises(ContainerlandError) as problem:
        run(DeafWorld(FakeKernel(), forgotten), tunnel(PRIVATE, SHARED))
    assert not [secret for secret in (*SECRETS, OTHER) if secret in str(problem.value)], str(problem.value)


def test_a_key_in_the_wrong_place_is_not_repeated() -> None:
    with pytest.raises(ContainerlandError) as problem:
        run(FakeWorld(FakeKernel()), tunnel(PRIVATE + "x", SHARED))
    assert PRIVATE not in str(problem.value)
    with pytest.raises(ContainerlandError) as problem:
        run(FakeWorld(FakeKernel()), {"link": [{"name": "wg0", "kind": "wireguard", "private_key": [PRIVATE]}]})
    assert str(problem.value) == "link[0].private_key: must be a text"
