# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the virtual machine boots: Debian's kernel for such, and an initramfs that mounts this machine's files.

The packages for both are unpacked into .cache/vm of the checkout, not installed. They are fetched once; remove the
directory to get a newer kernel. `python3 -m vm.image` in tests does that before it is needed, so with a network.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import lzma
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from other_kernel.guest import CHECKOUT, SYSTEM_PATH, NotRunError, program

CACHE = CHECKOUT / ".cache" / "vm"
#: What comes from packages: `kernel`, `busybox`, `lib/modules`.
SYSTEM = CACHE / "system"
SOURCES = (Path(__file__), Path(__file__).with_name("initramfs"))
KERNEL_PACKAGE = "linux-image-cloud-amd64"
#: What the initramfs needs to reach the host's files, and the command to reach its output.
MODULES = ("virtio_pci", "virtio_console", "virtiofs", "overlay")


def image() -> Path:
    """Return the directory with `system/kernel`, `initramfs` and `accelerator`, which are made if not current."""
    if not is_current():
        CACHE.mkdir(parents=True, exist_ok=True)
        with locked(CACHE / "lock"):
            if not SYSTEM.exists():
                fetch()
            if not is_current():
                make()
    return CACHE


def is_current() -> bool:
    with contextlib.suppress(FileNotFoundError):
        return SYSTEM.exists() and (CACHE / "stamp").read_text() == stamp()
    return False


def stamp() -> str:
    """Names the files that say how the image is made, and the kernel that decides about virtualisation."""
    parts = [os.uname().release.encode(), *(path.read_bytes() for path in SOURCES)]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def fetch() -> None:
    """Make SYSTEM, all of it or nothing."""
    with tempfile.TemporaryDirectory(prefix="fetch-", dir=CACHE) as name:
        packages, system = Path(name, "packages"), Path(name, "system")
        unpack(packages, real_package(KERNEL_PACKAGE), "busybox-static")
        system.mkdir()
        (kernel,) = (packages / "boot").glob("vmlinuz-*")
        kernel.rename(system / "kernel")
        (packages / "bin" / "busybox").rename(system / "busybox")
        (packages / "lib").rename(system / "lib")
        command(program("depmod", "kmod"), "--basedir", str(system), modules_of(system).name)
        system.rename(SYSTEM)


def modules_of(system: Path) -> Path:
    (modules,) = (system / "lib" / "modules").iterdir()
    return modules


def make() -> None:
    """Make what depends on this machine and on SOURCES; the stamp is last."""
    with tempfile.TemporaryDirectory(prefix="root-", dir=CACHE) as root:
        write_initramfs(Path(root), CACHE / "initramfs", SOURCES[1], MODULES)
    (CACHE / "accelerator").write_text(accelerator())
    (CACHE / "stamp").write_text(stamp())


def real_package(name: str) -> str:
    """Return the package that a package without content of its own depends on."""
    for line in command(program("apt-cache", "apt"), "depends", "--important", name).splitlines():
        kind, _colon, found = line.strip().partition(": ")
        if kind == "Depends" and found.startswith("linux-image-"):
            return found
    raise NotRunError(f"the package lists have no kernel for {name}: try apt-get update")


def unpack(target: Path, *names: str) -> None:
    target.mkdir()
    command(program("apt-get", "apt"), "download", "--quiet", "-o", "APT::Sandbox::User=root", *names, directory=target)
    for package in list(target.glob("*.deb")):
        command("dpkg-deb", "--extract", str(package), str(target))
        package.unlink()


def write_initramfs(root: Path, target: Path, init: Path, names: Iterable[str]) -> None:
    """Make an initramfs of busybox, its process 1, and the modules of these names, in an empty directory."""
    for name in ("bin", "dev", "host", "memory", "modules", "proc", "root"):
        (root / name).mkdir()
    shutil.copy(SYSTEM / "busybox", root / "bin" / "busybox")
    (root / "bin" / "sh").symlink_to("busybox")
    shutil.copy(init, root / "init")
    for number, path in enumerate(in_order(modules_of(SYSTEM), names)):
        data = path.read_bytes()
        unpacked = lzma.decompress(data) if path.suffix == ".xz" else data
        (root / "modules" / f"{number:02}-{path.stem}").write_bytes(unpacked)
    files = "\n".join(str(path.relative_to(root)) for path in sorted(root.rglob("*")))
    archive = command(str(SYSTEM / "busybox"), "cpio", "-o", "-H", "newc", directory=root, text=files)
    target.write_bytes(archive.encode("latin-1"))


def in_order(modules: Path, names: Iterable[str]) -> list[Path]:
    """Return the files of these modules and all that they need, each after what it needs."""
    found: dict[Path, None] = {}
    dependencies = dict(line.split(":") for line in (modules / "modules.dep").read_text().splitlines())
    for name in names:
        (file,) = (file for file in dependencies if Path(file).name.partition(".")[0] == name)
        for needed in [*reversed(dependencies[file].split()), file]:
            found[modules / needed] = None
    return list(found)


def accelerator() -> str:
    """Return "kvm" if the kernel gets as far as to miss its file system with it, else "tcg", which is emulation."""
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return "tcg"
    qemu = [program("qemu-system-x86_64", "qemu-system-x86"), "-accel", "kvm", "-cpu", "max", "-m", "256", "-no-reboot"]
    machine = ["-nodefaults", "-nographic", "-kernel", str(SYSTEM / "kernel"), "-append", "panic=-1 quiet"]
    quiet = subprocess.DEVNULL
    with contextlib.suppress(subprocess.SubprocessError):
        subprocess.run([*qemu, *machine], stdin=quiet, stdout=quiet, stderr=quiet, timeout=8, check=True)
        return "kvm"
    return "tcg"


def command(*words: str, directory: Path | None = None, text: str = "") -> str:
    """Return the output of a command, each byte a character; raise NotRunError with its messages if it fails."""
    path = f"{os.environ.get('PATH', '')}:{SYSTEM_PATH}"
    environment = {**os.environ, "PATH": path, "LC_ALL": "C"}
    done = subprocess.run(words, cwd=directory, input=text.encode(), capture_output=True, env=environment, check=False)
    if done.returncode:
        raise NotRunError(f"{' '.join(words)}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout.decode("latin-1")


if __name__ == "__main__":
    try:
        image()
    except NotRunError as problem:
        sys.exit(f"tests/vm: {problem}")
