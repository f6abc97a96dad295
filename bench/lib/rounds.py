"""Peers side by side: rounds in which each peer does every task once, in an order that rotates.

A task is v1 (a first release of the repository to N servers), v2 (then the tag v2 to the same servers), same
(then v2 once more), tiny (a first release of the repository `tiny`), or exec (`true` on N servers).
"""

from dataclasses import dataclass, field

from lib import meter, tree
from lib.peer import Peer
from lib.repository import repository

TASKS = ("v1", "v2", "same", "tiny", "exec")


@dataclass
class Plan:
    """What is to be measured."""

    count: int
    runs: int
    tasks: list
    peers: list
    repository: str = "app"
    # Seconds that one timed call may take, and that it waits at most for idle processors.
    limit: float = 900
    quiet: float = 5
    # What else stands in each row: the step, the line in between.
    more: dict = field(default_factory=dict)

    def __post_init__(self):
        # Each builds on what the one before it has left.
        self.tasks = sorted(self.tasks, key=TASKS.index)


def measure(at, fleet, clients, plan, results):
    """Runs the plan; each figure goes into `results`. What is there already is not measured again."""
    expected = {}
    for turn in range(plan.runs):
        first = turn % len(plan.peers)
        for name in plan.peers[first:] + plan.peers[:first]:
            if results.missing(name, plan, turn):
                results.forget(name, plan, turn)
                _Turn(at, fleet, clients, plan, results, expected, name, turn).run()


class _Turn:
    """One peer in one round."""

    def __init__(self, at, fleet, clients, plan, results, expected, name, turn):
        self.fleet, self.clients, self.plan, self.results = fleet, clients, plan, results
        self.expected, self.turn = expected, turn
        self.peer = Peer(name, at)
        self.apps = set()

    def run(self):
        self.peer.start_afresh()
        try:
            for task in self.plan.tasks:
                row = {"peer": self.peer.name, "task": task, "n": self.plan.count, "run": self.turn}
                row.update(repository="tiny" if task == "tiny" else self.plan.repository, **self.plan.more)
                row.update(self._task(task, row["repository"]))
                self.results.add(row)
        finally:
            self.peer.call("clean", self.peer.environment(self.clients, n=self.plan.count))
            for app in self.apps:
                self.fleet.wipe(app)
            self.peer.tidy_up()

    def _task(self, task, name):
        """Prepares, times and verifies one task; answers its figures."""
        app, revision = f"{self.peer.name}-{name}", "v1" if task == "v1" else "v2"
        folder = repository(name)
        env = self.peer.environment(
            self.clients,
            n=self.plan.count,
            par=self.plan.count,
            task=task,
            app=app,
            repo=folder,
            rev=revision,
            release=f"{task}-{self.turn}",
        )
        self.apps.add(app)
        if not self.peer.call("prepare", env):
            return {"error": "prepare: " + self.peer.last_words()}
        meter.wait_for_quiet(self.plan.quiet)
        verb = "exec" if task == "exec" else "deploy"
        figures = meter.timed(
            [self.peer.file, verb], env, self.peer.log, self.fleet, self.peer.daemon(), self.plan.limit
        )
        own = self.peer.own_seconds()
        if own is not None:
            figures["wall"] = own
        code = figures.pop("code")
        if code == meter.NOT_OFFERED:
            return {"not_offered": True}
        if code:
            return dict(figures, error=f"exit {code}: {self.peer.last_words()}")
        if task != "exec":
            figures["error"] = self._verify(app, folder, revision)
        return figures

    def _verify(self, app, folder, revision):
        """Compares every server with git: paths, modes, sizes; on the first and the last contents, too."""
        key = (folder, revision)
        if key not in self.expected:
            self.expected[key] = tree.expected(folder, revision)
        for number in range(1, self.plan.count + 1):
            contents = number in (1, self.plan.count)
            wrong = tree.difference(self.fleet.home(number) / app, self.expected[key], contents)
            if wrong:
                return f"h{number}: {wrong}"
        return ""
