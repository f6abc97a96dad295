"""A peer: an executable in `peers/` that is called with one word. README.md has the contract."""

import os
import subprocess

from lib import place

PEERS = place.BENCH / "peers"


def names():
    """Every peer there is."""
    found = [file.name for file in PEERS.iterdir() if file.is_file() and os.access(file, os.X_OK)]
    return sorted(name for name in found if name[0] not in "_.")


class Peer:
    """One peer in one measurement, with a work folder of its own."""

    def __init__(self, name, at=None):
        self.name = name
        self.file = PEERS / name
        self.at = at
        if at:
            self.work = at.work / name
            self.log = at.log / (name + ".log")

    def check(self):
        """Whether it can run here, and its version, or why not."""
        if not self.file.exists():
            return False, "there is no such peer"
        said = subprocess.run([self.file, "check"], env=place.environment(), capture_output=True, text=True)
        lines = (said.stdout + said.stderr).strip().splitlines()
        return said.returncode == 0, lines[-1] if lines else ""

    def start_afresh(self):
        """Empties the work folder."""
        self.tidy_up()
        self.work.mkdir(parents=True)

    def tidy_up(self):
        """Removes the work folder, and the memory that it lies in."""
        subprocess.run(["rm", "-rf", str(self.work)], check=True)

    def environment(self, clients, **more):
        """What it is called with: names as in the contract, without their BENCH_."""
        more = dict(
            more,
            work=self.work,
            fleet=self.at.fleet,
            base_port=clients.base,
            ssh_config=clients.ssh_config,
            known_hosts=clients.known_hosts,
            key=clients.key,
            user=clients.user,
        )
        return dict(
            place.environment(), **{"BENCH_" + name.upper(): str(value) for name, value in more.items()}
        )

    def call(self, verb, env):
        """Does something that is not timed; whether it worked."""
        with open(self.log, "ab") as log:
            log.write(b"\n==== %s %s\n" % (self.name.encode(), verb.encode()))
            log.flush()
            command = [self.file, verb]
            return (
                subprocess.run(command, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log).returncode
                == 0
            )

    def daemon(self):
        """The process that works for the peer beside its command, where it named one."""
        try:
            return int((self.work / "daemon.pid").read_text())
        except (OSError, ValueError):
            return None

    def own_seconds(self):
        """How long the work took by the peer's own clock, where it wrote that down; only for this call."""
        file = self.work / "seconds"
        try:
            seconds = float(file.read_text())
            file.unlink()
        except (OSError, ValueError):
            return None
        return seconds

    def last_words(self):
        """The end of its log, for a message."""
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return lines[-1][:200] if lines else ""
