#!/usr/bin/python
# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Confirms a guarded change."""

from __future__ import annotations

DOCUMENTATION = r"""
module: confirm
short_description: Confirm a change that waits for it
version_added: 0.2.0
description:
  - Keeps what a task with C(confirm_timeout) has changed. That the node could be reached to run this is the proof
    that it still can be.
  - Such tasks run this by themselves, over a new connection. It is needed in a task of its own only where the
    change was made by other means, or to have a look.
  - Of a confirmation and the end of the time, exactly one wins; what this module says is what happened.
author:
  - containerland.net contributors (@containerland)
extends_documentation_fragment:
  - containerland.net.attributes
attributes:
  diff_mode:
    support: none
requirements:
  - python >= 3.9
notes:
  - 'Run the task as root on the node (C(become: true)); it needs no capability.'
  - In check mode, O(action=confirm) only tells what is there to confirm.
seealso:
  - module: containerland.net.iptables_chain
    description: Packet filter chains, with C(confirm_timeout).
  - module: containerland.net.route
    description: Routes, with C(confirm_timeout).
  - module: containerland.net.topology
    description: Many objects in one task, with C(confirm_timeout).
options:
  change:
    description: The name of the change, as the task got it (RV(ignore:confirm)). Without it, the one that waits.
    type: str
    default: ''
  action:
    description:
      - V(confirm) keeps the change. It fails where the node has taken the change back, or is about to.
      - V(look) only tells what became of the change.
      - V(forget) makes the node forget that it has taken a change back, which it does by itself after a while.
    type: str
    choices: [confirm, look, forget]
    default: confirm
"""

EXAMPLES = r"""
- name: Keep the change that waits
  containerland.net.confirm:

- name: Does a change wait to be confirmed?
  containerland.net.confirm:
    action: look
  register: waiting
"""

RETURN = r"""
outcome:
  description:
    - V(confirmed) - it was kept by this task.
    - V(applying) - it is being made. V(pending) - it waits. V(restoring) - it is being taken back.
    - V(restored) - it was taken back. V(failed) - it could not be taken back completely.
    - V(unknown) - there is no such change.
  type: str
  returned: always
  sample: confirmed
reason:
  description: Why the change was taken back.
  type: str
  returned: when it was
  sample: no new connection from the controller confirmed it within 30 s
left:
  description: What did not come back.
  type: str
  returned: when something did not
  sample: ''
"""

from ansible_collections.containerland.net.plugins.module_utils._ansible.module import Module
from ansible_collections.containerland.net.plugins.module_utils._core import pending
from ansible_collections.containerland.net.plugins.module_utils._core.errors import ContainerlandError
from ansible_collections.containerland.net.plugins.module_utils._core.guard_options import DIRECTORY


def main() -> None:
    module = Module(
        spec={
            "change": {"type": "str", "default": ""},
            "action": {"type": "str", "choices": ["confirm", "look", "forget"], "default": "confirm"},
        },
    )
    change, action = module.params["change"], module.params["action"]
    if module.check_mode:
        action = "look"
    try:
        if change:
            pending.checked(change)
        found = pending.confirm(change) if action == "confirm" else pending.find(change)
        if action == "forget":
            pending.forget(change)
    except ContainerlandError as problem:
        module.fail_json(msg=str(problem))
    except OSError as problem:
        module.fail_json(msg=f"cannot use {DIRECTORY}: {problem.strerror}")
    if found is None:
        module.exit_json(changed=False, outcome="unknown")
        return
    confirmed = action == "confirm" and found.state is pending.State.PENDING
    outcome = "confirmed" if confirmed else found.state.value
    said = {name: found.content[name] for name in ("reason", "left") if found.content.get(name)}
    if action == "confirm" and not confirmed:
        module.fail_json(msg=f"it cannot be confirmed now: the change is {outcome}", outcome=outcome, **said)
    module.exit_json(changed=confirmed, outcome=outcome, **said)


if __name__ == "__main__":
    main()
