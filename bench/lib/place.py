"""Where a measurement happens: the settings, and one folder that goes at the end, however it ends."""

import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

BENCH = Path(__file__).resolve().parent.parent
TMP = Path(os.environ.get("BENCH_TMP") or tempfile.gettempdir() + "/aweigh-bench").absolute()
PEERS = Path(os.environ.get("BENCH_PEERS") or TMP / "peers").absolute()
RESULTS = Path(os.environ.get("BENCH_RESULTS") or TMP / "results").absolute()
# Server i listens on this port + i; below those that the kernel gives to clients.
BASE_PORT = int(os.environ.get("BENCH_BASE_PORT") or 22000)

_TARGET = Path(os.environ.get("CARGO_TARGET_DIR") or BENCH.parent / "target")
AWEIGH = Path(os.environ.get("AWEIGH") or _TARGET / "release" / "aweigh").absolute()
TOOL = Path(os.environ.get("BENCH_TOOL") or AWEIGH.parent / "bench").absolute()


class Failed(Exception):
    """Something that a measurement needs is not there or did not work; the text is for people."""


def environment():
    """What every program is started with: neither settings of the user nor a terminal may change figures."""
    mine = ("AWEIGH", "GIT_", "BENCH_")
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(mine) and name != "SSH_AUTH_SOCK"
    }
    return dict(
        kept,
        LC_ALL="C.UTF-8",
        NO_COLOR="1",
        PATH=kept.get("PATH", "") + ":/usr/sbin:/sbin",
        PYTHONDONTWRITEBYTECODE="1",
        AWEIGH=str(AWEIGH),
        BENCH_HERE=str(BENCH),
        BENCH_PEERS=str(PEERS),
        BENCH_TOOL=str(TOOL),
    )


def run(main):
    """Runs `main`, so that whatever ends it, what it has opened is closed."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(141)
    except Failed as failed:
        sys.exit(f"bench: {failed}")


class Place:
    """The folder of one measurement: `fleet` for the servers, `work` for the peers; `log` stays.

    As root, with memory to spare, the folder lies in memory, so that no disk gets into the figures.
    """

    def __enter__(self):
        clear_what_was_left()
        self.folder = TMP / (f"run-{os.getpid()}")
        self.folder.mkdir(parents=True)
        self.kind = "in memory" if self._mount() else "on disk"
        self.fleet = self.folder / "fleet"
        self.work = self.folder / "work"
        self.log = TMP / "log"
        for folder in (self.fleet, self.work, self.log):
            folder.mkdir(exist_ok=True)
        return self

    def __exit__(self, *_):
        remove(self.folder)

    def _mount(self):
        """Puts the folder into memory; false where that is not possible, or not wanted (BENCH_DISK=1)."""
        free = memory_available()
        if os.geteuid() != 0 or os.environ.get("BENCH_DISK") == "1" or free < 4 << 30:
            return False
        options = f"size={free * 3 // 4},nr_inodes=6m,mode=755"
        command = ["mount", "-t", "tmpfs", "-o", options, "aweigh-bench", str(self.folder)]
        return subprocess.run(command, stderr=subprocess.DEVNULL).returncode == 0


def allow_many_files():
    """Every viewer and every host is an open file, twice."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def memory_available():
    """Bytes that programs may take without anything being swapped."""
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable"):
            return int(line.split()[1]) * 1024
    return 0


def remove(folder):
    """Removes a folder of a measurement, and the memory that it lies in."""
    os.chdir("/")
    for _ in range(40):
        if not os.path.ismount(folder):
            break
        if subprocess.run(["umount", str(folder)], stderr=subprocess.DEVNULL).returncode == 0:
            break
        time.sleep(0.25)
    if os.path.ismount(folder):
        print(f"bench: {folder} is still in use; it goes with the next measurement", file=sys.stderr)
        return
    shutil.rmtree(folder, ignore_errors=True)


def clear_what_was_left():
    """Removes folders of measurements that were killed, and ends what still works in them."""
    for folder in TMP.glob("run-*"):
        number = folder.name[4:]
        if number.isdigit() and not os.path.exists("/proc/" + number):
            for pid in working_in(folder):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            remove(folder)


def working_in(folder):
    """Processes that were started with something in this folder."""
    name, found = bytes(folder) + b"/", []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if name in file.read_bytes():
                found.append(int(file.parent.name))
    return found


def first_line(*command):
    """The first line that a program says, or nothing: for versions."""
    try:
        said = subprocess.run(command, capture_output=True, text=True, env=environment(), timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return ((said.stdout or said.stderr).strip().splitlines() or [""])[0]
