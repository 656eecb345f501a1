# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Become plugin: run any module inside a namespace of the managed node."""

from __future__ import annotations

DOCUMENTATION = r"""
name: nsenter
short_description: Run tasks inside a namespace of the managed node
version_added: 0.1.0
author:
  - containerland.net contributors (@containerland)
description:
  - Runs every module of a task, whatever it is, in a network namespace that has a name, or in a container's.
  - For a process or container it can enter the mount, UTS, IPC and PID namespaces as well.
  - Works over every connection plugin. The namespace is looked up on the managed node when the task runs.
options:
  nsenter_target:
    description:
      - Where to run.
      - "V(web1) is the network namespace that C(ip netns) shows under this name."
      - "V(/proc/1/ns/net) is a network namespace by its path."
      - "V(pid:123), or V(123), is the process with this process id."
      - "V(docker:web) and V(podman:web) are the running container with this name or id."
      - "V(lxc:web) is the running container of LXC with this name, V(machine:web) the machine that C(machinectl) shows
        under this name, as those of C(systemd-nspawn)."
      - "V(node:node1) is a node whose process id stands in the file C(node1.pid) below O(nsenter_run_dir),
        as those of the role P(containerland.net.lab#role)."
    type: str
    required: true
    vars:
      - name: ansible_nsenter_target
    env:
      - name: ANSIBLE_NSENTER_TARGET
    ini:
      - section: nsenter_become_plugin
        key: target
  nsenter_namespaces:
    description:
      - Which namespaces to enter.
      - V(net) is the network namespace alone. Programs and files stay those of the managed node.
      - V(all) are the network, mount, UTS, IPC and PID namespaces of a process. The Python interpreter
        must then exist inside. Without pipelining (C(ansible_pipelining)) the directory for temporary files
        (C(ansible_remote_tmp)) must be visible inside as well.
      - V(all) needs a process, so it is refused for a name or a path.
    type: str
    choices: [net, all]
    default: net
    vars:
      - name: ansible_nsenter_namespaces
    env:
      - name: ANSIBLE_NSENTER_NAMESPACES
    ini:
      - section: nsenter_become_plugin
        key: namespaces
  nsenter_through:
    description:
      - A process or container of the managed node, in the words of O(nsenter_target), all of whose namespaces are
        entered first. O(nsenter_target) is looked up there.
      - For a node that is itself reached by this plugin, as those of the role P(containerland.net.lab#role).
    type: str
    default: ""
    version_added: 0.4.0
    vars:
      - name: ansible_nsenter_through
    env:
      - name: ANSIBLE_NSENTER_THROUGH
    ini:
      - section: nsenter_become_plugin
        key: through
  nsenter_run_dir:
    description: The directory on the managed node that holds the process id files of V(node:) targets.
    type: str
    default: /run/containerland/nodes
    vars:
      - name: ansible_nsenter_run_dir
    env:
      - name: ANSIBLE_NSENTER_RUN_DIR
    ini:
      - section: nsenter_become_plugin
        key: run_dir
  nsenter_sudo:
    description:
      - Become root with C(sudo) first. Needed where Ansible logs in as an ordinary user.
      - Passwords are not supported, C(sudo) must not ask for one.
    type: bool
    default: false
    vars:
      - name: ansible_nsenter_sudo
    env:
      - name: ANSIBLE_NSENTER_SUDO
    ini:
      - section: nsenter_become_plugin
        key: sudo
  nsenter_user:
    description: Only V(root) can enter a namespace. Another user is refused.
    type: str
    default: root
    vars:
      - name: ansible_become_user
      - name: ansible_nsenter_user
    keyword:
      - name: become_user
  become_user:
    description:
      - Not to be set. It is empty on purpose, because Ansible skips a become plugin without a word if this is the
        user that it has logged in as, and the task would run on the managed node instead.
    type: str
    default: ""
  become_exe:
    description: The C(nsenter) program of util-linux.
    type: str
    default: nsenter
    vars:
      - name: ansible_become_exe
      - name: ansible_nsenter_exe
    env:
      - name: ANSIBLE_BECOME_EXE
      - name: ANSIBLE_NSENTER_EXE
    ini:
      - section: privilege_escalation
        key: become_exe
      - section: nsenter_become_plugin
        key: executable
    keyword:
      - name: become_exe
  become_flags:
    description: Further options for C(nsenter), for example C(--user).
    type: str
    default: ""
    vars:
      - name: ansible_become_flags
      - name: ansible_nsenter_flags
    env:
      - name: ANSIBLE_BECOME_FLAGS
      - name: ANSIBLE_NSENTER_FLAGS
    ini:
      - section: privilege_escalation
        key: become_flags
      - section: nsenter_become_plugin
        key: flags
    keyword:
      - name: become_flags
notes:
  - Needs util-linux on the managed node, and root there (see O(nsenter_sudo)).
seealso:
  - module: containerland.net.netns
"""

EXAMPLES = r"""
# One task in the network namespace web1 of each host.
- name: Which addresses does web1 have?
  ansible.builtin.command: ip -brief address
  changed_when: false
  become: true
  vars:
    ansible_become_method: containerland.net.nsenter
    ansible_nsenter_target: web1

# A Docker container as a host of the inventory (YAML).
# web:
#   ansible_host: server1.example.org
#   ansible_become: true
#   ansible_become_method: containerland.net.nsenter
#   ansible_nsenter_target: docker:web
#   ansible_nsenter_sudo: true
"""

import re
import shlex
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.become import BecomeBase

EVERYTHING = ("--net", "--mount", "--uts", "--ipc", "--pid")

# What is quoted below cannot break out of the shell; these keep a name from leaving its directory, from being
# taken for an option, and from hiding in the output.
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@+-]{0,254}")
PATH = re.compile(r"/[^\x00-\x1f\x7f]*")
INSPECT = {
    "docker": "docker inspect --format '{{.State.Pid}}' -- ",
    "podman": "podman inspect --format '{{.State.Pid}}' -- ",
    "lxc": "lxc-info --pid --no-humanize --name ",
    "machine": "machinectl show --property=Leader --value ",
}


class TargetError(ValueError):
    """The target cannot be meant; the message says why."""


def checked_name(name: str, target: str) -> str:
    """Return a name that is safe as a file name and as an argument, or refuse it."""
    if not NAME.fullmatch(name):
        raise TargetError(f"nsenter_target: not a name of a namespace, node or container: {target!r}")
    return name


def checked_path(path: str) -> str:
    """Return an absolute path without control characters and '..', or refuse it."""
    if not PATH.fullmatch(path) or ".." in path.split("/"):
        raise TargetError(f"nsenter_target: not an absolute path of a namespace: {path!r}")
    return path


def checked_pid(pid: str, target: str) -> str:
    """Return a process id in decimal, or refuse it."""
    if not re.fullmatch(r"[1-9][0-9]{0,9}", pid, re.ASCII):
        raise TargetError(f"nsenter_target: not a process id: {target!r}")
    return pid


def find_pid(target: str, run_dir: str) -> str | None:
    """Return shell code that sets `pid` on the managed node, or exits with a message; None if not needed."""
    kind, _colon, name = target.partition(":")
    if kind in INSPECT:
        look = f"pid=$({INSPECT[kind]}{shlex.quote(checked_name(name, target))})"
        noun = "machine" if kind == "machine" else f"{kind} container"
        missing = f"containerland.net.nsenter: the {noun} '{name}' is not running"
    elif kind == "node":
        file = f"{checked_path(run_dir).rstrip('/')}/{checked_name(name, target)}.pid"
        look = f"{{ read -r pid <{shlex.quote(file)}; }} 2>/dev/null"
        missing = f"containerland.net.nsenter: the node '{name}' is not running (no {file})"
    else:
        return None
    fail = f"{{ echo {shlex.quote(missing)} >&2; exit 1; }}"
    # docker answers 0 for a container that is stopped, lxc-info nothing.
    return f'{look} && [ "${{pid:-0}}" -gt 0 ] 2>/dev/null || {fail}; '


def arguments(target: str, namespaces: str) -> list[str]:
    """Return nsenter's options for a target, quoted for the shell; `$pid` is what `find_pid` finds."""
    kind, colon, rest = target.partition(":")
    if target.startswith("/"):
        where = [f"--net={shlex.quote(checked_path(target))}"]
    elif kind == "pid" and colon:
        where = ["--target", checked_pid(rest, target)]
    elif target.isdigit():
        where = ["--target", checked_pid(target, target)]
    elif colon and (kind == "node" or kind in INSPECT):
        where = ["--target", '"$pid"']
    else:
        where = [f"--net=/run/netns/{shlex.quote(checked_name(target, target))}"]
    if where[0] == "--target":
        return [*where, *(EVERYTHING if namespaces == "all" else ("--net",))]
    if namespaces == "all":
        raise TargetError(f"nsenter_namespaces: 'all' needs a process or container, not the target {target!r}")
    return where


def split_flags(flags: str) -> list[str]:
    """Return the words of `become_flags`, or refuse what a shell would not end."""
    try:
        return shlex.split(flags)
    except ValueError as problem:
        raise AnsibleError(f"become_flags: {problem}: {flags!r}") from None


class BecomeModule(BecomeBase):
    """Prefixes a command with `nsenter`, and with `sudo` if asked."""

    name = "containerland.net.nsenter"

    def build_become_command(self, cmd: str, shell: Any) -> str:
        """Return `cmd` as a shell command that runs it in the target's namespaces."""
        super().build_become_command(cmd, shell)
        if not cmd:
            return cmd
        if self.get_option("nsenter_user") not in (None, "", "root"):
            raise AnsibleError("become_user: only root can enter a namespace, so only root can be asked for")
        target = str(self.get_option("nsenter_target"))
        try:
            find = find_pid(target, str(self.get_option("nsenter_run_dir")))
            options = arguments(target, self.get_option("nsenter_namespaces"))
        except TargetError as error:
            raise AnsibleError(str(error)) from error
        executable = shlex.quote(self.get_option("become_exe") or "nsenter")
        flags = split_flags(self.get_option("become_flags") or "")
        words = [executable, *options, *map(shlex.quote, flags), "--", self._build_success_command(cmd, shell)]
        try:
            return self._through(str(self.get_option("nsenter_through") or ""), executable, find or "", " ".join(words))
        except TargetError as error:
            raise AnsibleError(str(error).replace("nsenter_target:", "nsenter_through:")) from error

    def _through(self, through: str, executable: str, find: str, command: str) -> str:
        """The command as it is for the managed node: by way of another process's namespaces, if asked."""
        if not through:
            return self._with_sudo(find, command)
        outer = find_pid(through, str(self.get_option("nsenter_run_dir"))) or ""
        inner = f"/bin/sh -c {shlex.quote(find + command)}"
        return self._with_sudo(outer, " ".join([executable, *arguments(through, "all"), "--", inner]))

    def _with_sudo(self, find: str, command: str) -> str:
        if not self.get_option("nsenter_sudo"):
            return f"{find}{command}"
        # The target is looked up as root, too: an ordinary user may not ask Docker.
        return f"sudo -H -n -- /bin/sh -c {shlex.quote(find + command)}" if find else f"sudo -H -n -- {command}"
