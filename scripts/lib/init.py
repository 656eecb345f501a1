# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Process 1 of a sandbox or of a lab node: runs one command, reaps whatever is left to it, passes signals on.

Usage: init.py COMMAND [ARGUMENT...]; exits as the command does (128 + signal if it was killed by one).
"""

from __future__ import annotations

import os
import signal
import sys

PASSED_ON = (signal.SIGTERM, signal.SIGHUP)


def start(command: list[str]) -> int:
    """Start the command with signals as a program expects them; return its process id."""
    child = os.fork()
    if child:
        return child
    # A shell's background job has SIGINT and SIGQUIT ignored, and Python ignores SIGPIPE; exec keeps that.
    for number in (*PASSED_ON, signal.SIGINT, signal.SIGQUIT, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execvp(command[0], command)
    except OSError as error:
        print(f"{command[0]}: {error.strerror}", file=sys.stderr)
        os._exit(127)


def wait_for(child: int) -> int:
    """Reap every process until the command itself has ended; return its exit status."""
    while True:
        process, status = os.wait()
        if process == child:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code


def main() -> int:
    # The terminal sends these to the command as well; process 1 must outlive it to report its status.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGQUIT, signal.SIG_IGN)
    child = start(sys.argv[1:])
    for number in PASSED_ON:
        signal.signal(number, lambda received, _frame: os.kill(child, received))
    return wait_for(child)


if __name__ == "__main__":
    sys.exit(main())
