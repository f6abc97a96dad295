"""The steps of the whole measurement. Each adds to a file of its own, and goes on where it was stopped."""

import re
import subprocess
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

from lib import asks, floor, place, put, tool
from lib.crowd import FAST, Chat, Watched, slow_rate
from lib.fleet import Fleet
from lib.hosts import Hosts
from lib.peer import Peer
from lib.results import Results
from lib.rounds import Plan, measure

OURS = ["aweigh", "aweigh-hook", "aweigh-warm"]
MAIN = OURS + ["shell-delta", "shell-tar", "rsync", "capistrano"]
CURVES = ["aweigh", "shell-delta", "rsync"]
OTHERS = ["ansible-sync", "ansible-mitogen", "fabric", "parallel-ssh", "paramiko-seq", "pssh", "pyinfra"]

SERVERS = (1, 10, 50, 100)
HOSTS = (10, 100, 1000)
FILES = (20, 1000, 5000, 20_000, 100_000)
MEGABYTES = ("0.1", "1", "10", "100", "1000")
VIEWERS = (10, 1000, 5000)


@dataclass
class Step:
    """One step: what it does, how many minutes that takes on two quiet cores, how often it does it."""

    name: str
    what: str
    minutes: int
    runs: int
    do: Callable

    def results(self):
        return Results(place.RESULTS / (self.name + ".jsonl"))

    def run(self, runs=None):
        self.do(self.results(), runs or self.runs)


def able(names):
    """Those of the peers that can run here; says which cannot."""
    there = []
    for name in names:
        good, said = Peer(name).check()
        if good:
            there.append(name)
        else:
            print(f"{name} is left out: {said}", flush=True)
    return there


def side_by_side(counts, tasks, peers, repositories=("app",), delay_ms=0, rate=0):
    """A step that measures peers side by side."""

    def do(results, runs):
        with place.Place() as at, Fleet(at, max(counts)) as fleet, ExitStack() as closing:
            clients, more = fleet.clients, {}
            if delay_ms or rate:
                line, clients = tool.line_between(at, fleet, delay_ms, rate)
                closing.enter_context(line)
                more = {"delay_ms": delay_ms, "rate": rate}
            there = able(peers)
            for repository in repositories:
                for count in counts:
                    plan = Plan(count, runs, tasks, there, repository, more=more)
                    measure(at, fleet, clients, plan, results)

    return do


def hosts(results, runs):
    """Releases of `tiny` to hosts inside one process: what the controller costs by itself."""
    for count in HOSTS:
        with place.Place() as at, Hosts(at, count) as fleet:
            measure(at, fleet, fleet.clients, Plan(count, runs, ["v1", "v2"], ["aweigh"], "tiny"), results)


def viewers(results, runs):
    """The same release with nobody and with a crowd, in turns; then chat, beside npm ws."""
    with place.Place() as at, Fleet(at, 10) as fleet:
        watched(at, fleet, results, runs, 1000, 100)
        chat(at, fleet, results, runs)


def watched(at, fleet, results, runs, crowd, idle):
    release = Watched(at, fleet).release
    for run in range(runs):
        # Who comes first changes, so that neither always finds the machine as the other left it.
        for many, silent in ((0, 0), (crowd, idle))[:: 1 if run % 2 == 0 else -1]:
            if not results.count(what="watched", viewers=many, run=run):
                results.add(dict(release(many, silent), run=run))


def chat(at, fleet, results, runs):
    """At 5 messages a second for the time they need; as fast as they go for how many arrive."""
    said = Chat(at, fleet)
    for run in range(runs):
        for viewers in VIEWERS:
            many = max(50, min(2000, 400_000 // viewers))
            for messages, rate in ((25, slow_rate(viewers)), (many, FAST)):
                for server in ("aweigh", "npm ws"):
                    if not results.count(what="chat", server=server, viewers=viewers, rate=rate, run=run):
                        results.add(dict(said.measure(server, viewers, messages, rate), run=run))


def answers(results, runs):
    with place.Place() as at, Fleet(at, 10) as fleet:
        asks.listings(at, fleet, results, runs)
        asks.start(at, fleet, results, runs)


def parts(results, runs):
    with place.Place() as at, Fleet(at, 1) as fleet:
        floor.parts(at, fleet, results, runs)


def carried(results, runs):
    with place.Place() as at, Fleet(at, 1) as fleet:
        put.measured(at, fleet, results, runs)


def page(results, runs):
    """The figures that the bench of the page prints."""
    for run in range(runs):
        if results.count(what="page", run=run):
            continue
        command = ["npm", "--prefix", str(place.BENCH.parent / "ui"), "run", "bench"]
        said = subprocess.run(command, capture_output=True, text=True)
        found = re.findall(r"page: (.+?)\s{2,}(\S+(?: \S+)?)\s+goal (.+)", said.stdout)
        if said.returncode or not found:
            raise place.Failed("npm run bench: " + (said.stdout + said.stderr)[-500:])
        for name, measured, goal in found:
            results.add({"what": "page", "name": name, "measured": measured, "goal": goal, "run": run})


ALL = [
    Step("floor", "what the parts of a release cost alone", 1, 5, parts),
    Step("fifty", "50 servers, the main peers", 35, 5, side_by_side([50], ["v1", "v2", "exec"], MAIN)),
    Step(
        "fifty-slow",
        "50 servers, Ansible, which takes minutes, beside Aweigh",
        17,
        5,
        side_by_side([50], ["v1", "v2"], ["aweigh", "ansible"]),
    ),
    Step(
        "run",
        "`true` on 50 servers by `aweigh run`, beside the transport of Aweigh alone",
        5,
        5,
        side_by_side([50], ["exec"], ["aweigh", "aweigh-run", "aweigh-warm", "aweigh-run-warm"]),
    ),
    Step("put", "1 GB by `aweigh put`, `scp` and `rsync` over a long line with a rate", 7, 3, carried),
    Step(
        "ten",
        "10 servers, the main peers",
        15,
        5,
        side_by_side([10], ["v1", "v2", "tiny", "exec"], MAIN + ["ansible", "paramiko-threads"]),
    ),
    Step(
        "ten-others", "10 servers, all other peers", 15, 3, side_by_side([10], ["v1", "v2", "exec"], OTHERS)
    ),
    Step(
        "far",
        "10 servers, round trips of 50 ms",
        12,
        5,
        side_by_side([10], ["v1", "v2", "exec"], MAIN + ["ansible", "paramiko-threads"], delay_ms=25),
    ),
    Step(
        "narrow",
        "3 servers, each behind a line of 1 MB/s",
        10,
        3,
        side_by_side([3], ["v1", "v2"], CURVES, rate=1_000_000),
    ),
    Step(
        "servers", "curve: 1, 10, 50, 100 servers", 25, 3, side_by_side(SERVERS, ["v1", "v2", "exec"], CURVES)
    ),
    Step("hosts", "curve: 10, 100, 1,000 hosts inside one process", 5, 3, hosts),
    Step(
        "files",
        "curve: 20 to 100,000 files, 3 servers",
        20,
        3,
        side_by_side([3], ["v1", "v2"], CURVES, [f"files-{count}" for count in FILES]),
    ),
    Step(
        "bytes",
        "curve: 0.1 to 1,000 MB in 1,000 files, 3 servers",
        20,
        3,
        side_by_side([3], ["v1", "v2"], CURVES, ["bytes-" + size for size in MEGABYTES]),
    ),
    Step("viewers", "curve: 10, 1,000, 5,000 viewers; a release with 1,000", 12, 5, viewers),
    Step("answers", "branches, tags, commits over HTTP; start, memory, size", 3, 5, answers),
    Step("page", "the page with 1,000 servers", 3, 3, page),
]
