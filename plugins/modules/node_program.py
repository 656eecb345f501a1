#!/usr/bin/python
# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Install the part of the collection that works without Ansible."""

from __future__ import annotations

DOCUMENTATION = r"""
module: node_program
short_description: Install the program that works on a node without Ansible
version_added: 0.3.0
description:
  - Puts the engine of this collection on the node as one executable file, C(containerland-net).
  - C(containerland-net restore) makes the network of the node what M(containerland.net.topology) declared last, and
    starts the commands of M(containerland.net.netns_commands), from the state files below C(/var/lib/containerland).
    The role P(containerland.net.persist#role) runs it at boot.
  - Installing it changes nothing in the network.
extends_documentation_fragment:
  - containerland.net.attributes
requirements:
  - python >= 3.9
notes:
  - 'Run the task as root on the node (C(become: true)); it needs no capability.'
options:
  path:
    description: Where the program is, an absolute path. Its directory must exist.
    type: path
    default: /usr/local/sbin/containerland-net
  interpreter:
    description: The Python that runs it, an absolute path. By default the one that runs this module.
    type: path
  state:
    description: V(absent) removes the program.
    type: str
    choices: [present, absent]
    default: present
author:
  - containerland.net contributors (@containerland)
seealso:
  - module: containerland.net.topology
    description: Declares what is restored.
"""

EXAMPLES = r"""
- name: Have the program on the node
  containerland.net.node_program:

- name: Have it elsewhere, run by a Python of its own
  containerland.net.node_program:
    path: /opt/net/containerland-net
    interpreter: /opt/net/venv/bin/python

- name: Remove it
  containerland.net.node_program:
    state: absent
"""

RETURN = r"""
path:
  description: Where the program is, or was.
  returned: success
  type: str
  sample: /usr/local/sbin/containerland-net
checksum:
  description: The SHA-256 of the program.
  returned: with O(state=present)
  type: str
  sample: 5f3c0e1d0c5d3f5b1b0a3c3fb4f1d6a9c1d3b7a3f7f6f0d7f0a5d0a7d3b1c9e2
"""

import hashlib
import os
import stat
import sys
import tempfile

from ansible_collections.containerland.net.plugins.module_utils._ansible.module import Module
from ansible_collections.containerland.net.plugins.module_utils._bundle import archive

MODE = 0o755


def is_there(path: str, content: bytes) -> bool:
    """Whether the file is what it should be."""
    try:
        with open(path, "rb") as file:
            return file.read() == content and stat.S_IMODE(os.fstat(file.fileno()).st_mode) == MODE
    except OSError:
        return False


def checksum(path: str) -> str:
    """The SHA-256 of a file; '' if there is none."""
    try:
        with open(path, "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()
    except OSError:
        return ""


def put(module: Module, path: str, content: bytes) -> None:
    handle, temporary = tempfile.mkstemp(dir=module.tmpdir)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        os.fchmod(file.fileno(), MODE)
    # Of a file that is there, atomic_move keeps the mode.
    module.atomic_move(temporary, path)
    os.chmod(path, MODE)


def shown(path: str, digest: str) -> str:
    return f"{path} sha256:{digest}\n" if digest else ""


def main() -> None:
    module = Module(
        spec={
            "path": {"type": "path", "default": "/usr/local/sbin/containerland-net"},
            "interpreter": {"type": "path"},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        },
    )
    path, interpreter = module.params["path"], module.params["interpreter"] or sys.executable
    for option, value in (("path", path), ("interpreter", interpreter)):
        if not os.path.isabs(value) or "\n" in value:
            module.fail_json(msg=f"{option}: must be an absolute path, not {value!r}")
    # A device could be read for ever, and would be replaced.
    if os.path.exists(path) and not os.path.isfile(path):
        module.fail_json(msg=f"path: '{path}' is not a file")
    before = checksum(path)
    result = {"path": path}
    if module.params["state"] == "present":
        content = archive(interpreter)
        after = result["checksum"] = hashlib.sha256(content).hexdigest()
        changed = not is_there(path, content)
        if changed and not module.check_mode:
            put(module, path, content)
    else:
        after, changed = "", os.path.lexists(path)
        if changed and not module.check_mode:
            os.unlink(path)
    diff = {"before": shown(path, before), "after": shown(path, after)}
    module.exit_json(changed=changed, diff=diff, **result)


if __name__ == "__main__":
    main()
