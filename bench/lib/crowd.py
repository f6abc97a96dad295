"""Releases that many people watch: whether viewers slow a release down, and how fast news reaches them."""

import json
import subprocess
import time
from datetime import datetime

from lib import meter, place, tool
from lib.aweigh import Aweigh
from lib.repository import repository

SERVERS = 10
# The page has `ws` for its tests.
MODULES = place.BENCH.parent / "ui" / "node_modules"
# A build that talks as loud builds do: a thousand lines a second, for five seconds.
LOUD = """\
for part in $(seq 1 250); do
  for line in $(seq 1 20); do echo "part $part, line $line: compiled src/module-$line.ts in 12 ms"; done
  sleep 0.02
done
"""
# A project to whom nothing happens: whatever its viewers get was said.
TOPIC = "project:app"
# Messages a second, to see how many arrive at most.
FAST = 100_000


def slow_rate(viewers):
    """Messages a second, to see how long they take."""
    return 5 if viewers < 5000 else 1


class Watched:
    """The same release with nobody and with a crowd, who are there before it starts."""

    def __init__(self, at, fleet):
        place.allow_many_files()
        self.at, self.fleet = at, fleet
        self.folder = at.work / "watched"
        self.folder.mkdir(exist_ok=True)
        self.aweigh = Aweigh(self.folder)
        self.go = self.folder / "go"
        self.repository = self._make_repository()

    def _make_repository(self):
        """Two commits: `hold` builds until it is let go, `main` talks."""
        folder = self.folder / "site"
        subprocess.run(["git", "init", "-q", "-b", "main", folder], check=True)
        git = ["git", "-C", folder, "-c", "user.name=bench", "-c", "user.email=bench@localhost"]
        for script, tag in ((f"until [ -e '{self.go}' ]; do sleep 0.05; done\n", "hold"), (LOUD, "loud")):
            (folder / "build.sh").write_text(script)
            subprocess.run(git + ["add", "-A"], check=True)
            subprocess.run(git + ["commit", "-q", "-m", "Build"], check=True)
            subprocess.run(git + ["tag", tag], check=True)
        return folder

    def release(self, viewers, idle):
        """One release with so many viewers, of whom `idle` read nothing; answers its figures."""
        self.go.unlink(missing_ok=True)
        self.fleet.wipe("watched")
        build = 'build = { run = "sh build.sh" }'
        self.aweigh.fleet(self.fleet.clients, SERVERS, self.repository, "~/watched", project=build)
        try:
            self.aweigh.start_afresh()
            return self._release(viewers, idle)
        finally:
            self.aweigh.stop()

    def _release(self, viewers, idle):
        self.aweigh.call("release", "app", "-e", "bench", "hold", "--detach")
        self.aweigh.call("release", "app", "-e", "bench", "loud", "--queue", "--detach")
        crowd = Crowd(self.at, self.aweigh, "release:2", viewers, idle) if viewers else None
        pid = self.aweigh.pid
        before = meter.cpu_seconds([pid])
        self.go.touch()
        self.aweigh.call("watch", "2", "--timeout", "5m")
        row = {"what": "watched", "viewers": viewers, "idle": idle}
        if crowd:
            seen = crowd.wait()
            row["facts"] = seen["facts_fewest"]
            if seen["facts_fewest"] != seen["facts_most"] or seen["ended"] != viewers - idle:
                row["error"] = f"not every viewer saw everything: {seen}"
        row["wall"] = self._seconds_taken()
        row["controller"] = round(meter.cpu_seconds([pid]) - before, 3)
        row["largest_mb"] = round(meter.peak_resident(pid) / 1e6, 1)
        return row

    def _seconds_taken(self):
        """How long release 2 took, by its own clock."""
        said = json.loads(self.aweigh.call("releases", "--limit", "1", "--json"))
        release = (said.get("items") if isinstance(said, dict) else said)[0]
        return round(moment(release["ended_at"]) - moment(release["started_at"]), 3)


class Crowd:
    """Viewers who are all live when this is made."""

    def __init__(self, at, aweigh, topic, viewers, idle):
        self.log = at.log / "viewers.log"
        words = ["viewers", "--address", aweigh.address, "--topic", topic, "--count", viewers, "--idle", idle]
        env = dict(place.environment(), AWEIGH_TOKEN=aweigh.token)
        with open(self.log, "wb") as log:
            command = [str(place.TOOL)] + [str(word) for word in words]
            self.process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=log)
        while "live" not in self.log.read_text():
            if self.process.poll() is not None:
                raise place.Failed("the viewers: " + self.log.read_text()[-300:])
            time.sleep(0.05)

    def wait(self):
        """What they saw, when the release has ended for all of them."""
        said = self.process.communicate(timeout=300)[0]
        if self.process.returncode:
            raise place.Failed("the viewers: " + self.log.read_text()[-300:])
        return json.loads(said)


def moment(text):
    """An RFC 3339 time as seconds; fractions may be longer than Python reads."""
    whole, _, fraction = text.rstrip("Z").partition(".")
    return datetime.fromisoformat(whole + "+00:00").timestamp() + float("0." + (fraction or "0"))


class Chat:
    """Messages to everybody who watches, said by one of them: by Aweigh, and by a small server on npm ws."""

    def __init__(self, at, fleet):
        place.allow_many_files()
        self.at, self.fleet = at, fleet

    def measure(self, server, viewers, messages, rate):
        """One run; answers its figures."""
        running = _Aweigh(self.at, self.fleet) if server == "aweigh" else _WsServer(self.at)
        with running as (pid, address, token):
            before = meter.cpu_seconds([pid])
            said = say(address, token, viewers, messages, rate)
            spent = meter.cpu_seconds([pid]) - before
            peak = meter.peak_resident(pid)
        row = {"what": "chat", "server": server, "viewers": viewers, "rate": rate}
        row.update(
            {
                name: said[name]
                for name in ("delivered", "delivered_per_s", "p50_ms", "p99_ms", "lost", "connect_s")
            }
        )
        row["micros_each"] = round(1e6 * spent / max(1, said["delivered"]), 2)
        row["largest_mb"] = round(peak / 1e6, 1)
        if said["lost"]:
            row["error"] = "{} messages were lost".format(said["lost"])
        return row


def say(address, token, viewers, messages, rate):
    """What the crowd tells of messages that one of them says."""
    words = [
        "viewers",
        "--address",
        address,
        "--topic",
        TOPIC,
        "--count",
        viewers,
        "--say",
        messages,
        "--rate",
        rate,
    ]
    return json.loads(tool.say(*words, more={"AWEIGH_TOKEN": token}))


class _Aweigh:
    """An Aweigh that has nothing else to do."""

    def __init__(self, at, fleet):
        folder = at.work / "chat"
        folder.mkdir(exist_ok=True)
        self.aweigh = Aweigh(folder)
        self.aweigh.fleet(fleet.clients, 1, repository("tiny"), "~/chat")

    def __enter__(self):
        try:
            self.aweigh.start_afresh()
        except BaseException:
            self.aweigh.stop()
            raise
        return self.aweigh.pid, self.aweigh.address, self.aweigh.token

    def __exit__(self, *_):
        self.aweigh.stop()


class _WsServer:
    """The usual broadcast with the package `ws`: every message to every client, and nothing else."""

    def __init__(self, at):
        self.log = at.log / "ws.log"

    def __enter__(self):
        env = dict(place.environment(), NODE_PATH=str(MODULES))
        command = ["node", str(place.BENCH / "lib" / "ws-server.js")]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=log)
        port = self.process.stdout.readline().decode().strip()
        if not port:
            self.__exit__()
            raise place.Failed(f"the ws server does not start, see {self.log}; make ui")
        return self.process.pid, "127.0.0.1:" + port, "none"

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
