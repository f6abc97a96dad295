"""An Aweigh that is measured: a data folder, a fleet file, and `aweigh serve`.

As a program it does for peers/aweigh what is not timed; it reads the BENCH_ variables:

    aweigh.py start [LINES]   stop what runs, start with an empty data folder, and apply a fleet file;
                              LINES are more keys of the environment
    aweigh.py restart         stop, and go on with the same data folder: no connection is open any more
    aweigh.py stop
"""

import os
import secrets
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from lib import place  # noqa: E402

PROJECT = "app"
ENVIRONMENT = "bench"


class Aweigh:
    """One Aweigh in `folder`. It may have been started by another process: the folder knows it."""

    def __init__(self, folder):
        self.folder = folder
        self.data = folder / "data"
        self.log = folder / "serve.log"
        self.pid_file = folder / "daemon.pid"
        self.token_file = folder / "token"

    def fleet(self, clients, count, repository, path, project="", environment=""):
        """Writes the fleet file: servers 1 to `count`, a project, more lines for it and its environment."""
        pinned = dict(line.split(" ", 1) for line in clients.known_hosts.read_text().splitlines())
        lines = [
            f'[credentials.bench]\nkind = "ssh-key"\nfile = "{clients.key}"',
            f'[defaults.server]\nuser = "{clients.user}"\ncredential = "bench"',
        ]
        for number in range(1, count + 1):
            port = clients.base + number
            key = pinned[f"[127.0.0.1]:{port}"]
            lines.append(f'[servers.h{number}]\nhost = "127.0.0.1"\nport = {port}\nhost_key = "{key}"')
        lines.append(f'[projects.{PROJECT}]\nrepository = "file://{repository}"\n{project}')
        lines.append(f'[projects.{PROJECT}.environments.{ENVIRONMENT}]\nservers = "all"')
        lines.append(f'path = "{path}"\n{environment}')
        (self.folder / "fleet.toml").write_text("\n".join(lines) + "\n")

    def start_afresh(self):
        """Starts with an empty data folder, and applies the fleet file."""
        self.stop()
        subprocess.run(["rm", "-rf", str(self.data)], check=True)
        self.token_file.write_text(secrets.token_hex(24))
        (self.folder / "server.toml").write_text(
            'listen = "127.0.0.1:0"\n[git]\nallow_protocols = ["file"]\n'
        )
        self.start()
        self.call("apply", "-f", str(self.folder / "fleet.toml"))

    def start(self):
        """Starts `serve`, and waits until it answers."""
        command = [place.AWEIGH, "--data", self.data, "serve", "--config", self.folder / "server.toml"]
        env = dict(place.environment(), AWEIGH_ADMIN_TOKEN=self.token)
        with open(self.log, "wb") as log:
            serve = subprocess.Popen(
                command, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        self.pid_file.write_text(str(serve.pid))
        for _ in range(1000):
            if self.address:
                return
            if serve.poll() is not None:
                break
            time.sleep(0.01)
        raise place.Failed("aweigh serve does not start: " + self.log.read_text()[-500:])

    def stop(self):
        """Ends it, politely; and not politely after ten seconds."""
        pid = self.pid
        for number in (signal.SIGTERM, signal.SIGKILL):
            if pid and is_alive(pid):
                os.kill(pid, number)
                end = time.monotonic() + 10
                while is_alive(pid) and time.monotonic() < end:
                    time.sleep(0.02)
        self.pid_file.unlink(missing_ok=True)

    @property
    def pid(self):
        try:
            return int(self.pid_file.read_text())
        except (OSError, ValueError):
            return None

    @property
    def token(self):
        return self.token_file.read_text()

    @property
    def address(self):
        """Where it serves, "127.0.0.1:PORT", as soon as it says so."""
        for line in self.log.read_text(errors="replace").splitlines():
            if "serves on" in line and "http://" in line:
                return line.split("http://", 1)[1].split()[0].strip("/,.")
        return None

    def call(self, *words, **more):
        """Calls the program with the data folder; answers what it says."""
        said = subprocess.run(
            [place.AWEIGH, "--data", self.data] + list(words),
            env=place.environment(),
            capture_output=True,
            text=True,
            **more,
        )
        if said.returncode:
            raise place.Failed("aweigh {}: {}".format(" ".join(words), (said.stdout + said.stderr)[-800:]))
        return said.stdout


def is_alive(pid):
    """Whether a process still runs; one that only waits for its parent's attention does not."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            state = file.read().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    # A child of ours is freed here; others are freed by whoever their parent is.
    if state == "Z":
        with suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
    return state != "Z"


class _Told:
    """The clients' files, as the variables of a peer name them."""

    def __init__(self, env):
        self.base, self.user, self.key = int(env["BENCH_BASE_PORT"]), env["BENCH_USER"], env["BENCH_KEY"]
        self.known_hosts = Path(env["BENCH_KNOWN_HOSTS"])


def main(words):
    env = os.environ
    aweigh = Aweigh(Path(env["BENCH_WORK"]))
    if words == ["stop"]:
        aweigh.stop()
    elif words == ["restart"]:
        aweigh.stop()
        aweigh.start()
    elif words[:1] == ["start"]:
        path = "~/" + env["BENCH_APP"]
        aweigh.fleet(
            _Told(env), int(env["BENCH_N"]), env["BENCH_REPO"], path, environment="\n".join(words[1:])
        )
        aweigh.start_afresh()
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except place.Failed as failed:
        sys.exit(f"bench: {failed}")
