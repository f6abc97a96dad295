"""On what was measured: the machine and the versions, noted beside the results."""

import json
import platform
import re
from pathlib import Path

from lib import meter, peer, place
from lib.crowd import MODULES

FILE = place.RESULTS / "machine.json"


def note():
    """Writes down the machine and the versions of what can run here."""
    FILE.parent.mkdir(parents=True, exist_ok=True)
    FILE.write_text(json.dumps(describe(), indent=2) + "\n")


def noted():
    return json.loads(FILE.read_text()) if FILE.exists() else describe()


def describe():
    return {
        "cores": meter.CORES,
        "processor": _field("/proc/cpuinfo", "model name"),
        "memory_gib": round(int(_field("/proc/meminfo", "MemTotal").split()[0]) / 2**20),
        "system": _field("/etc/os-release", "PRETTY_NAME", "=").strip('"'),
        "kernel": platform.release().split("-")[0],
        "versions": versions(),
    }


def versions():
    """Names and versions of everything that takes part."""
    found = {
        "OpenSSH": place.first_line("ssh", "-V").split(",")[0].replace("OpenSSH_", ""),
        "git": place.first_line("git", "--version").replace("git version ", ""),
        "zstd": "".join(re.findall(r"v([\d.]+)", place.first_line("zstd", "--version"))),
        "node": place.first_line("node", "--version").lstrip("v"),
        "Python": platform.python_version(),
    }
    package = MODULES / "ws" / "package.json"
    if package.exists():
        found["npm ws"] = json.loads(package.read_text())["version"]
    for name in peer.names():
        able, said = peer.Peer(name).check()
        if able and not name.startswith("aweigh-") and name not in ("shell-delta", "shell-tar", "paramiko-seq"):
            found[name] = _number(said)
    return found


def _number(said):
    """The number in what a program says of its version."""
    found = re.search(r"\d+(\.\w+)+", said)
    return found.group(0) if found else said


def _field(file, name, separator=":"):
    for line in Path(file).read_text().splitlines():
        if line.startswith(name):
            return line.split(separator, 1)[1].strip()
    return ""
