"""How fast Aweigh answers: branches, tags and commits, beside git and GitPython; how soon after its start."""

import socket
import subprocess
import time

from lib import meter, place
from lib.aweigh import Aweigh
from lib.repository import repository

# Question: path of the API, words of git, and Python with a `repo` of GitPython.
QUESTIONS = {
    "branches": (
        "refs?kind=branch",
        ["for-each-ref", "--format=%(refname:short) %(objectname)", "refs/heads"],
        "[(b.name, b.commit.hexsha) for b in repo.branches]",
    ),
    "tags": (
        "refs?kind=tag",
        ["for-each-ref", "--format=%(refname:short) %(objectname)", "refs/tags"],
        "[(t.name, t.commit.hexsha) for t in repo.tags]",
    ),
    "50 commits": (
        "refs?kind=commit&of=main&limit=50",
        ["log", "-50", "--format=%H %an %at %s", "main"],
        "[(c.hexsha, c.author.name, c.summary) for c in repo.iter_commits('main', max_count=50)]",
    ),
}
TIMES = 300

GITPYTHON = """
import time, sys
from git import Repo
repo = Repo(sys.argv[1])
%(code)s
begun = time.perf_counter()
for _ in range(20): %(code)s
print((time.perf_counter() - begun) / 20)
"""


class Connection:
    """One HTTP connection that stays open, as cheap as Python allows: it is in the figures."""

    def __init__(self, address, token):
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), 10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.rest = f" HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n"

    def ask(self, path, verb="GET"):
        """Status and body of the answer."""
        length = "Content-Length: 0\r\n" if verb == "POST" else ""
        self.socket.sendall((f"{verb} {path}{self.rest}{length}\r\n").encode())
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += self._more()
        head, _, body = answer.partition(b"\r\n\r\n")
        expected = 0
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                expected = int(line.split(b":")[1])
        while len(body) < expected:
            body += self._more()
        return int(head.split()[1]), body

    def _more(self):
        part = self.socket.recv(1 << 18)
        if not part:
            raise place.Failed("aweigh closed the connection")
        return part

    def close(self):
        self.socket.close()


def listings(at, fleet, results, runs):
    """Times every question, asked of Aweigh, git and GitPython in turns."""
    folder = at.work / "asks"
    folder.mkdir()
    aweigh, source = Aweigh(folder), repository("app")
    aweigh.fleet(fleet.clients, 1, source, "~/asks")
    try:
        aweigh.start_afresh()
        connection = Connection(aweigh.address, aweigh.token)
        _good(connection, "projects/app/fetch", "POST")
        for run in range(runs):
            for question in QUESTIONS:
                if not results.count(what="listing", question=question, run=run):
                    results.add(dict(_listing(connection, source, question), run=run))
        connection.close()
    finally:
        aweigh.stop()


def _good(connection, path, verb="GET"):
    status, body = connection.ask("/api/v1/" + path, verb)
    if status not in (200, 201, 202, 204):
        raise place.Failed(f"{path}: {status} {body[:300]}")
    return body


def _listing(connection, source, question):
    path, git, code = QUESTIONS[question]
    path = "projects/app/" + path
    for _ in range(20):
        _good(connection, path)
    times = sorted(_seconds(lambda: _good(connection, path)) for _ in range(TIMES))
    command = ["git", "-C", str(source)] + git
    by_git = sorted(
        _seconds(lambda: subprocess.run(command, stdout=subprocess.DEVNULL, check=True)) for _ in range(30)
    )
    row = {"what": "listing", "question": question}
    row["aweigh_ms"] = round(1000 * times[TIMES // 2], 3)
    row["aweigh_p99_ms"] = round(1000 * times[TIMES * 99 // 100], 3)
    row["git_ms"] = round(1000 * by_git[len(by_git) // 2], 3)
    python = place.PEERS / "gitpython" / "bin" / "python"
    if python.exists():
        program = [str(python), "-c", GITPYTHON % {"code": code}, str(source)]
        row["gitpython_ms"] = round(1000 * float(subprocess.check_output(program)), 3)
        cold = [str(python), "-c", f"from git import Repo; repo = Repo({str(source)!r}); {code}"]
        row["gitpython_cold_ms"] = round(
            1000 * min(_seconds(lambda: subprocess.run(cold)) for _ in range(3)), 1
        )
    return row


def _seconds(what):
    begun = time.perf_counter()
    what()
    return time.perf_counter() - begun


def start(at, fleet, results, runs):
    """Times how soon `serve` answers, with an empty data folder and with one that knows servers and releases;
    then looks at its memory when it has nothing to do."""
    folder = at.work / "start"
    folder.mkdir()
    aweigh = Aweigh(folder)
    aweigh.fleet(fleet.clients, fleet.count, repository("app"), "~/start")
    try:
        aweigh.start_afresh()
        aweigh.call("release", "app", "-e", "bench", "v1")
        for run in range(runs):
            if results.count(what="start", run=run):
                continue
            row = {"what": "start", "servers": fleet.count, "run": run}
            row["empty_ms"] = first_answer(at.work / "start-empty", empty=True)[0]
            aweigh.stop()
            row["known_ms"], row["idle_mb"] = first_answer(folder)
            row["binary_mb"] = round(place.AWEIGH.stat().st_size / 1e6, 2)
            results.add(row)
    finally:
        aweigh.stop()


def first_answer(folder, empty=False):
    """Starts `serve`; answers the milliseconds to its first answer, and the MB it holds after some rest."""
    if empty:
        subprocess.run(["rm", "-rf", str(folder)], check=True)
        folder.mkdir()
        (folder / "server.toml").write_text('listen = "127.0.0.1:0"\n')
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [place.AWEIGH, "--data", folder / "data", "serve", "--config", folder / "server.toml"]
    command += ["--listen", f"127.0.0.1:{port}"]
    begun = time.perf_counter()
    with open(folder / "serve.log", "wb") as log:
        serve = subprocess.Popen(
            command, env=place.environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    try:
        while not _answers(port):
            if serve.poll() is not None or time.perf_counter() > begun + 20:
                raise place.Failed(
                    "aweigh serve does not answer: " + (folder / "serve.log").read_text()[-300:]
                )
            time.sleep(0.0005)
        taken = time.perf_counter() - begun
        if not empty:
            time.sleep(5)
        idle = sum(meter.resident_sizes([serve.pid]))
    finally:
        serve.terminate()
        serve.wait()
    return round(1000 * taken, 2), round(idle / 1e6, 1)


def _answers(port):
    try:
        connection = Connection(f"127.0.0.1:{port}", "none")
    except OSError:
        return False
    status, _ = connection.ask("/health")
    connection.close()
    return status == 200
