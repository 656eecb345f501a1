# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A module's main in this process, as Ansible calls it: without the start of a Python for each of many calls."""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import io
import json
import os
import shutil
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible.module_utils import basic

MODULES = "ansible_collections.containerland.net.plugins.modules"
_PR_CAPBSET_DROP = 24
_LAST_CAPABILITY = 40
_VERSION_3 = 0x20080522


@dataclass(frozen=True)
class Said:
    """What a module answered (`result`), and what it wrote besides."""

    result: Mapping[str, Any]
    logged: str
    stderr: str

    @property
    def problem(self) -> str:
        """Why it failed; '' if it did not."""
        return str(self.result["msg"]) if self.result.get("failed") else ""


def call(module: str, options: Mapping[str, Any], *, check: bool = False, diff: bool = False) -> Said:
    """Calls the main of a module with these options; whatever it raises but its own end is a failure of the test."""
    arguments = {**options, "_ansible_check_mode": check, "_ansible_diff": diff, "_ansible_remote_tmp": "/run"}
    arguments |= {"_ansible_verbosity": 4, "_ansible_keep_remote_files": False}
    basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": arguments}).encode()
    basic._ANSIBLE_PROFILE = "legacy"  # how arguments are encoded, from 2.19 on
    out, err = io.StringIO(), io.StringIO()
    logged: list[str] = []
    original = basic.AnsibleModule.log
    basic.AnsibleModule.log = lambda _self, msg, log_args=None: logged.append(f"{msg} {log_args}")
    try:
        main = importlib.import_module(f"{MODULES}.{module}").main
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), contextlib.suppress(SystemExit):
            main()
    finally:
        basic.AnsibleModule.log = original
        with contextlib.suppress(AttributeError):  # warnings are collected for the process, which usually is a module
            importlib.import_module("ansible.module_utils.common.warnings")._global_warnings.clear()
        for directory in Path("/run").glob("ansible-moduletmp-*"):  # goes with the process, which usually is a module
            shutil.rmtree(directory)
    lines = out.getvalue().strip().splitlines()
    assert lines, f"{module} said nothing: {err.getvalue()}"
    return Said(json.loads(lines[-1]), "\n".join(logged), err.getvalue())


def keep_only(capabilities: Collection[int]) -> None:
    """Gives up all other capabilities (capabilities(7)), for what this process starts as well, for good."""
    libc = ctypes.CDLL(None, use_errno=True)
    for number in range(_LAST_CAPABILITY + 1):
        if number not in capabilities:
            libc.prctl(_PR_CAPBSET_DROP, number, 0, 0, 0)  # EINVAL: an older kernel does not have it
    mask = sum(1 << number for number in capabilities)
    header = (ctypes.c_uint32 * 2)(_VERSION_3, 0)
    low, high = mask & 0xFFFFFFFF, mask >> 32
    data = (ctypes.c_uint32 * 6)(low, low, 0, high, high, 0)
    assert libc.capset(header, data) == 0, os.strerror(ctypes.get_errno())
