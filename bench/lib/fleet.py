"""A fleet of real sshd on loopback: each has its own port, host key, configuration and $HOME.

Below the folder: hI/{config,log,host_key,home} of server I; `key`, `known_hosts`, `ssh_config` for clients.
"""

import getpass
import os
import shutil
import subprocess
import time
from pathlib import Path

from lib import meter, place

CONFIG = """\
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host_key
AuthorizedKeysFile {fleet}/key.pub
PidFile none
UsePAM no
UseDNS no
StrictModes no
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
MaxStartups 1000
PrintMotd no
PrintLastLog no
SetEnv HOME={folder}/home PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
Subsystem sftp {sftp}
"""

CLIENT = """\
Host h*
  HostName 127.0.0.1
  User {user}
  IdentityFile {key}
  IdentitiesOnly yes
  PreferredAuthentications publickey
  UserKnownHostsFile {known_hosts}
  GlobalKnownHostsFile /dev/null
  BatchMode yes
  GSSAPIAuthentication no
  LogLevel ERROR
"""

SFTP = ("/usr/lib/openssh/sftp-server", "/usr/libexec/openssh/sftp-server", "/usr/lib/ssh/sftp-server")


class Clients:
    """What clients are told: where server I listens (`base` + I), and the files for that."""

    def __init__(self, folder, base, user, key):
        self.base, self.user, self.key = base, user, key
        self.known_hosts = folder / "known_hosts"
        self.ssh_config = folder / "ssh_config"

    def write(self, host_keys):
        """Writes what a user of ssh has: an alias per server, and the host keys pinned."""
        pinned, hosts = [], []
        for number, host_key in enumerate(host_keys, 1):
            pinned.append(f"[127.0.0.1]:{self.base + number} {host_key}\n")
            hosts.append(f"Host h{number}\n  Port {self.base + number}\n")
        self.known_hosts.write_text("".join(pinned))
        last = CLIENT.format(user=self.user, key=self.key, known_hosts=self.known_hosts)
        self.ssh_config.write_text("".join(hosts) + last)


class Fleet:
    """Servers 1 to `count`, up while the `with` lasts."""

    def __init__(self, at, count):
        self.folder, self.count = at.fleet, count
        self.listeners = []
        self.shield = shield()
        self.account = None
        self.clients = Clients(self.folder, place.BASE_PORT, getpass.getuser(), self.folder / "key")

    def __enter__(self):
        sshd = shutil.which("sshd", path=place.environment()["PATH"])
        if not sshd:
            raise place.Failed("sshd is missing: run bench/setup")
        if os.geteuid() == 0:
            # Debian's sshd wants its empty folder, which its service makes.
            Path("/run/sshd").mkdir(exist_ok=True)
        self.account = meter.Account.open(f"aweigh-bench-{os.getpid()}")
        if not self.account:
            print("no control group: what a session uses counts to 10 ms for each process that is left of it")
        try:
            make_key(self.folder / "key", "bench")
            for number in range(1, self.count + 1):
                self._spawn(sshd, number)
            for number in range(1, self.count + 1):
                self._wait(number)
        except BaseException:
            self.stop()
            raise
        self.clients.write(self.host_keys())
        return self

    def __exit__(self, *_):
        self.stop()

    def _spawn(self, sshd, number):
        folder = self.folder / (f"h{number}")
        (folder / "home").mkdir(parents=True)
        make_key(folder / "host_key", f"h{number}")
        sftp = next((path for path in SFTP if os.path.exists(path)), "internal-sftp")
        text = CONFIG.format(port=place.BASE_PORT + number, folder=folder, fleet=self.folder, sftp=sftp)
        (folder / "config").write_text(text)
        with open(folder / "log", "wb") as log:
            counted = self.account.enter() if self.account else []
            command = counted + self.shield + [sshd, "-D", "-e", "-f", str(folder / "config")]
            self.listeners.append(
                subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=place.environment()
                )
            )

    def _wait(self, number):
        """Waits until a server listens."""
        log, listener = self.folder / (f"h{number}/log"), self.listeners[number - 1]
        for _ in range(1200):
            text = log.read_text(errors="replace")
            if "Server listening on" in text:
                return
            if listener.poll() is not None or "Address already in use" in text:
                break
            time.sleep(0.025)
        last = log.read_text(errors="replace").strip().splitlines()[-1:]
        raise place.Failed(
            "sshd does not start: {}; BENCH_BASE_PORT chooses other ports".format("".join(last))
        )

    def host_keys(self):
        """The public host key of each server, as it is pinned."""
        files = [self.folder / f"h{number}/host_key.pub" for number in range(1, self.count + 1)]
        return [" ".join(file.read_text().split()[:2]) for file in files]

    def behind(self, folder, base):
        """What clients are told who reach server I at port `base` + I, through something in between."""
        clients = Clients(folder, base, self.clients.user, self.clients.key)
        clients.write(self.host_keys())
        return clients

    def home(self, number):
        return self.folder / (f"h{number}/home")

    def cpu(self):
        """Seconds of CPU that all servers and their sessions have used so far."""
        if self.account:
            return self.account.seconds()
        return meter.cpu_seconds([listener.pid for listener in self.listeners])

    def settle(self, seconds=1.0):
        """Waits, not for long, until all sessions have ended: the next run is not charged for them."""
        idle = self.count * (2 if self.shield else 1)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            time.sleep(0.05)
            if len(meter.tree([listener.pid for listener in self.listeners])) <= idle:
                return

    def wipe(self, app):
        """Removes what was deployed, by as many processes as there are processors."""
        targets = [str(self.home(number) / app) for number in range(1, self.count + 1)]
        parts = [targets[first :: meter.CORES] for first in range(meter.CORES)]
        for remover in [subprocess.Popen(["rm", "-rf"] + part) for part in parts if part]:
            remover.wait()

    def stop(self):
        """Ends exactly what was started here."""
        for listener in self.listeners:
            # KILL, since a shield does not pass a polite signal on; sshd dies with its shield.
            listener.kill()
        for listener in self.listeners:
            listener.wait()
        self.listeners = []
        if self.account:
            self.account.close()
            self.account = None


def shield():
    """What each sshd runs under: a process namespace of its own. Whatever a session leaves behind becomes a
    child of this sshd, so its CPU time is counted, and ends with it. Not every system offers one."""
    way = ["unshare", "--pid", "--fork", "--kill-child"]
    if os.geteuid() != 0:
        way.append("--map-current-user")
    # It also ends when this process is killed and cannot clean up.
    way = ["setpriv", "--pdeathsig", "KILL"] + way
    try:
        there = subprocess.run(way + ["true"], stderr=subprocess.DEVNULL).returncode == 0
    except OSError:
        there = False
    if not there:
        print("no process namespaces: sessions that outlive their connection are missing in the servers' CPU")
    return way if there else []


def make_key(file, comment):
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(file)], check=True
    )
