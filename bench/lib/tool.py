"""The program `bench` beside Aweigh: what has to be as fast as what it measures. Its sources are in `src`."""

import subprocess
import sys

from lib import place


class Running:
    """A tool that runs while the `with` lasts, and says `ready` when others may go on."""

    def __init__(self, log, *words):
        self.log, self.command = log, [str(place.TOOL)] + [str(word) for word in words]

    def __enter__(self):
        if not place.TOOL.exists():
            raise place.Failed(f"{place.TOOL} is missing: cargo build --release -p bench")
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                env=place.environment(),
            )
        if not self.process.stdout.readline().startswith(b"ready"):
            self.__exit__()
            raise place.Failed("{}: not ready, see {}".format(" ".join(self.command), self.log))
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


def line_between(at, fleet, delay_ms, rate):
    """A line in front of every server, and the clients that go through it. Each direction takes `delay_ms`,
    and carries `rate` bytes a second, 0 for as many as it can."""
    base = place.BASE_PORT + 1000
    words = [
        "delay",
        "--listen",
        base + 1,
        "--to",
        place.BASE_PORT + 1,
        "--count",
        fleet.count,
        "--ms",
        delay_ms,
    ]
    if rate:
        words += ["--rate", rate]
    folder = at.folder / "line"
    folder.mkdir(exist_ok=True)
    return Running(at.log / "line.log", *words), fleet.behind(folder, base)


def say(*words, more=None, limit=600):
    """What a tool says that comes to its end by itself; `more` goes into its environment."""
    command = [str(place.TOOL)] + [str(word) for word in words]
    env = dict(place.environment(), **(more or {}))
    said = subprocess.run(command, stdout=subprocess.PIPE, stderr=sys.stderr, timeout=limit, env=env)
    if said.returncode:
        raise place.Failed("{} failed".format(" ".join(command)))
    return said.stdout.decode()
