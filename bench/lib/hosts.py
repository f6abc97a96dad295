"""Hosts inside one process: SSH servers as the tests have them, more than a machine can run of sshd."""

import getpass
import subprocess

from lib import meter, place, tool
from lib.fleet import Clients, make_key


class Hosts:
    """Hosts 1 to `count`, up while the `with` lasts. To peers they look as a fleet of sshd does."""

    def __init__(self, at, count):
        place.allow_many_files()
        self.folder, self.count = at.fleet, count
        self.clients = Clients(self.folder, place.BASE_PORT, getpass.getuser(), self.folder / "key")
        make_key(self.clients.key, "bench")
        words = ["hosts", "--listen", place.BASE_PORT + 1, "--count", count, "--homes", self.folder]
        words += ["--user", self.clients.user, "--authorized-key", self.folder / "key.pub"]
        self.running = tool.Running(at.log / "hosts.log", *words, "--known-hosts", self.clients.known_hosts)

    def __enter__(self):
        for number in range(1, self.count + 1):
            self.home(number).mkdir(parents=True)
        self.running.__enter__()
        self.clients.ssh_config.write_text("")
        return self

    def __exit__(self, *_):
        self.running.__exit__()

    def home(self, number):
        return self.folder / (f"h{number}/home")

    def cpu(self):
        return meter.cpu_seconds([self.running.process.pid])

    def settle(self):
        """Nothing is left behind: the hosts wait for what they start."""

    def wipe(self, app):
        targets = [str(self.home(number) / app) for number in range(1, self.count + 1)]
        subprocess.run(["rm", "-rf"] + targets, check=True)
