"""What the parts of a release cost alone on this machine, and how fast a release can be because of them."""

import resource
import subprocess
import time

from lib import meter
from lib.repository import repository

# The fastest that OpenSSH on both ends has.
FAST = ["-o", "KexAlgorithms=curve25519-sha256", "-o", "Ciphers=aes128-gcm@openssh.com"]
SESSIONS = 20
MEGABYTES = 256


def parts(at, fleet, results, runs):
    """Measures every part: CPU in milliseconds; for the packings, which nothing runs beside, wall time."""
    for run in range(runs):
        if results.count(what="floor", run=run):
            continue
        row = {"what": "floor", "run": run, "cores": meter.CORES}
        row.update(_sessions(fleet))
        row["megabyte_ms"] = _transport(fleet)
        row.update(_packing(at))
        row.update(_files(at))
        results.add(
            {name: round(value, 3) if isinstance(value, float) else value for name, value in row.items()}
        )


def _sessions(fleet):
    """What sshd spends on `true`, over a new connection and over one that is open."""
    ssh = ["ssh", "-F", str(fleet.clients.ssh_config)] + FAST
    cold = _served(fleet, lambda: [_quiet(ssh + ["h1", "true"]) for _ in range(SESSIONS)])
    control = ["-o", f"ControlPath={fleet.folder / 'open'}"]
    _quiet(ssh + control + ["-o", "ControlMaster=yes", "-o", "ControlPersist=60", "h1", "true"])
    warm = _served(fleet, lambda: [_quiet(ssh + control + ["h1", "true"]) for _ in range(SESSIONS)])
    subprocess.run(ssh + control + ["-O", "exit", "h1"], stderr=subprocess.DEVNULL)
    fleet.settle()
    return {"session_ms": cold / SESSIONS, "channel_ms": warm / SESSIONS}


def _served(fleet, what):
    """Milliseconds of CPU that the servers spend on something."""
    fleet.settle()
    before = fleet.cpu()
    what()
    time.sleep(0.3)
    return 1000 * (fleet.cpu() - before)


def _transport(fleet):
    """CPU of both ends for one megabyte over an open connection."""
    sink = "ssh -F {} {} h1 'cat >/dev/null'".format(fleet.clients.ssh_config, " ".join(FAST))
    send = f"head -c {MEGABYTES}000000 /dev/zero | {sink}"
    spent = {}
    served = _served(fleet, lambda: spent.update(own=_cpu(send)))
    return (spent["own"] + served) / MEGABYTES


def _packing(at):
    """How long it takes to pack everything, and what v2 changes; and how many megabytes everything is."""
    source, pack = repository("app"), at.work / "pack"
    git = f"git -C {source}"
    whole = _wall(f"{git} archive v2 | zstd -q -3 > {pack}")
    names = f"{git} diff --no-renames --diff-filter=d --name-only -z v1 v2"
    few = _wall(f"{names} | xargs -0 {git} archive v2 | zstd -q -3 > {pack}.few")
    return {"pack_ms": whole, "pack_few_ms": few, "packed_mb": pack.stat().st_size / 1e6}


def _files(at):
    """CPU to unpack everything, to unpack what v2 changes, and to link what it does not."""
    folder = at.work / "floor"
    folder.mkdir(exist_ok=True)
    pack = at.work / "pack"
    unpack = _cpu(f"cd {folder} && mkdir one && zstd -dqc {pack} | tar x -C one")
    link = _cpu(f"cd {folder} && cp -al one two")
    few = _cpu(f"cd {folder} && zstd -dqc {pack}.few | tar x -C two && ln -s two next && mv -T next current")
    subprocess.run(["rm", "-rf", str(folder)], check=True)
    return {"unpack_ms": unpack, "link_ms": link, "unpack_few_ms": few}


def _cpu(command):
    """Milliseconds of CPU that a command of a shell costs."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(["bash", "-euo", "pipefail", "-c", command], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return 1000 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def _wall(command):
    begun = time.perf_counter()
    subprocess.run(["bash", "-euo", "pipefail", "-c", command], check=True)
    return 1000 * (time.perf_counter() - begun)


def _quiet(command):
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


# What the client spends on a session when it is no process of its own.
CLIENT_MS = 1.0


def seconds(part, task, servers):
    """The floor of a task: what all servers and the controller must compute, divided by the processors that
    they share. `part` answers a part by its name."""
    each = {
        "exec": ("session_ms",),
        "exec warm": ("channel_ms",),
        "v1": ("session_ms", "unpack_ms"),
        "v2": ("session_ms", "link_ms", "unpack_few_ms"),
        "v2 warm": ("channel_ms", "link_ms", "unpack_few_ms"),
    }[task]
    milliseconds = CLIENT_MS + sum(part(name) for name in each)
    if task == "v1":
        milliseconds += part("megabyte_ms") * part("packed_mb")
    before = {"v1": part("pack_ms"), "v2": part("pack_few_ms"), "v2 warm": part("pack_few_ms")}.get(task, 0)
    return (before + milliseconds * servers / part("cores")) / 1000
