"""How fast `aweigh put` brings a large file over a long line that carries so much a second: beside the least that the line
needs and what `scp` and `rsync` take, and once more with a connection that breaks in the middle."""

import hashlib
import os
import signal
import subprocess
import time
from pathlib import Path

from lib import meter, place, tool
from lib.aweigh import Aweigh
from lib.repository import repository

MEGABYTES = 1000
# A line of 50 MB/s with round trips of 50 ms.
RATE = 50_000_000
DELAY_MS = 25
# What OpenSSH lets a session be ahead of what was read there: `CHAN_SES_WINDOW_DEFAULT` in its channels.h. More than this in a
# round trip goes through no channel, however much the line carries.
WINDOW = 64 * 32 * 1024
LEAST = MEGABYTES * 1_000_000 / min(RATE, WINDOW / (2 * DELAY_MS / 1000))


def measured(at, fleet, results, runs):
    """Brings the file to one server behind the line, whole and cut, and by others, in turns."""
    folder = at.work / "put"
    folder.mkdir()
    file = folder / "large"
    digest = _file(file)
    line, clients = tool.line_between(at, fleet, DELAY_MS, RATE)
    with line:
        aweigh = Aweigh(folder)
        aweigh.fleet(clients, 1, repository("tiny"), "~/put")
        aweigh.start_afresh()
        ssh = ["ssh", "-F", clients.ssh_config]
        there = "h1:" + str(fleet.home(1) / "large")
        others = {
            "scp": ["scp", "-q", "-F", clients.ssh_config, file, there],
            "rsync": ["rsync", "--partial", "-e", " ".join(map(str, ssh)), file, there],
        }
        turns = [("aweigh", False), ("aweigh", True)] + [(peer, False) for peer in others]
        try:
            for run in range(runs):
                for peer, cut in turns[:: 1 if run % 2 == 0 else -1]:
                    if not results.count(what="put", peer=peer, cut=cut, run=run):
                        row = _brought(aweigh, fleet, file, digest, cut, others.get(peer))
                        results.add(dict(row, peer=peer, cut=cut, run=run))
        finally:
            aweigh.stop()


def _file(file):
    """A file that nothing makes smaller; its SHA-256."""
    digest = hashlib.sha256()
    with open(file, "wb") as into:
        for _ in range(MEGABYTES):
            piece = os.urandom(1_000_000)
            into.write(piece)
            digest.update(piece)
    return digest.hexdigest()


def _brought(aweigh, fleet, file, digest, cut, command=None):
    there = fleet.home(1) / "large"
    meter.wait_for_quiet(5)
    begun = time.perf_counter()
    by_aweigh = [place.AWEIGH, "--data", aweigh.data, "put", "all", file, "~/large", "--json"]
    putting = subprocess.Popen(command or by_aweigh, env=place.environment(), stdout=subprocess.PIPE)
    if cut:
        _cut(there.with_name(".large.part"), MEGABYTES * 500_000)
    said, _ = putting.communicate()
    taken = time.perf_counter() - begun
    if putting.returncode:
        raise place.Failed("{}: {}".format((command or by_aweigh)[0], said.decode()))
    with open(there, "rb") as got:
        if hashlib.file_digest(got, "sha256").hexdigest() != digest:
            raise place.Failed("what came is not what was sent")
    there.unlink()
    row = {"what": "put", "megabytes": MEGABYTES, "rate": RATE, "delay_ms": DELAY_MS}
    if not command:
        row["resumed"] = int(said.decode().split('"resumed":')[1].split("}")[0].split(",")[0])
    return dict(row, wall=round(taken, 2), least=round(LEAST, 2), ratio=round(taken / LEAST, 3))


def _cut(part, after):
    """Kills the session on the server, when so many bytes are there."""
    while not part.exists() or part.stat().st_size < after:
        time.sleep(0.02)
    # The shell that writes the file is a child of the session.
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            files = [os.readlink(link) for link in folder.glob("fd/[0-9]*")]
            parent = int((folder / "stat").read_text().rsplit(")", 1)[1].split()[1])
        except (OSError, ValueError):
            continue
        if str(part) in files:
            _end_session(parent)
            return
    raise place.Failed("nobody writes the file")


def _end_session(pid):
    """Kills the sshd above a process, which is the end of its connection."""
    while pid > 1:
        stat = Path(f"/proc/{pid}/stat").read_text()
        if stat.split("(", 1)[1].startswith("sshd"):
            os.kill(pid, signal.SIGKILL)
            return
        pid = int(stat.rsplit(")", 1)[1].split()[1])
    raise place.Failed("the session is not below an sshd")
