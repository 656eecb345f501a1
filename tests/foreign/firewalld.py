# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real firewalld, with a bus of its own."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.foreign.host import eventually
from tests.integration.support.kernel import sh

_BUS = """<busconfig>
  <type>system</type>
  <listen>unix:path=/run/dbus/system_bus_socket</listen>
  <policy context="default"><allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/></policy>
</busconfig>
"""
#: What an administrator does for containers: their bridge is trusted.
_TRUSTED = '<zone target="ACCEPT"><short>Trusted</short><interface name="ctl0"/></zone>'
#: And what else there may be: a service, a rich rule, a forwarded port.
_PUBLIC = """<zone>
  <short>Public</short>
  <interface name="eth0"/>
  <service name="ssh"/>
  <port port="8443" protocol="tcp"/>
  <forward-port port="2222" protocol="tcp" to-port="22"/>
  <rule family="ipv4"><source address="203.0.113.0/24"/><reject/></rule>
</zone>
"""


@contextmanager
def firewalld(directory: Path, backend: str) -> Iterator[None]:
    """It runs, with rules in this backend (`nftables` or `iptables`)."""
    files = directory / "firewalld"
    shutil.copytree("/etc/firewalld", files)
    (files / "zones").mkdir(exist_ok=True)
    (files / "zones" / "trusted.xml").write_text(_TRUSTED)
    (files / "zones" / "public.xml").write_text(_PUBLIC)
    (files / "firewalld.conf").write_text(f"DefaultZone=public\nFirewallBackend={backend}\nCleanupOnExit=yes\n")
    (directory / "bus.conf").write_text(_BUS)
    Path("/run/dbus").mkdir(exist_ok=True)
    bus = subprocess.Popen(
        ["dbus-daemon", f"--config-file={directory}/bus.conf", "--nofork", "--nopidfile"], stderr=subprocess.DEVNULL
    )
    daemon = None
    try:
        eventually(lambda: Path("/run/dbus/system_bus_socket").exists(), "no bus")
        with open(directory / "firewalld.log", "wb") as log:
            command = ["firewalld", "--nofork", "--nopid", f"--system-config={files}"]
            daemon = subprocess.Popen([*command, f"--log-file={directory}/firewalld.log"], stdout=log, stderr=log)
        eventually(_runs, "firewalld does not run")
        yield
    finally:
        for process in (daemon, bus):
            if process is not None:
                process.terminate()
                process.wait(30)


def reload() -> None:
    sh("firewall-cmd --reload")


def _runs() -> bool:
    return subprocess.run(["firewall-cmd", "--state"], capture_output=True, check=False).returncode == 0
