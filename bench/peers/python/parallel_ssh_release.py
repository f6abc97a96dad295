"""parallel-ssh (libssh2, gevent): copy a tar.gz by SFTP, then run commands.

parallel_ssh_release.py deploy|exec
"""

import os
import subprocess
import sys

from gevent import joinall
from pssh.clients import ParallelSSHClient
from pssh.config import HostConfig

ENV = os.environ
SERVERS = range(1, int(ENV["BENCH_N"]) + 1)
PACK = ENV["BENCH_WORK"] + "/pack.tar.gz"
CLIENT = ParallelSSHClient(
    ["127.0.0.1" for _ in SERVERS],
    host_config=[
        HostConfig(port=int(ENV["BENCH_BASE_PORT"]) + n, user=ENV["BENCH_USER"], private_key=ENV["BENCH_KEY"])
        for n in SERVERS
    ],
    pool_size=int(ENV["BENCH_PAR"]),
    allow_agent=False,
    num_retries=1,
)


def run(commands):
    """Runs one command per server."""
    outputs = CLIENT.run_command("%s", host_args=[(command,) for command in commands])
    CLIENT.join()
    for output in outputs:
        if output.exit_code:
            sys.exit(f"exit {output.exit_code}: {list(output.stderr)}")


def release():
    archive = ["git", "-C", ENV["BENCH_REPO"], "archive", "--format=tar.gz", "-o", PACK, ENV["BENCH_REV"]]
    subprocess.check_call(archive)
    bases = ["{}/h{}/home/{}".format(ENV["BENCH_FLEET"], n, ENV["BENCH_APP"]) for n in SERVERS]
    folder = "releases/" + ENV["BENCH_RELEASE"]
    run([f"mkdir -p {base}/{folder}" for base in bases])
    files = [{"local_file": PACK, "remote_file": base + "/pack.tar.gz"} for base in bases]
    joinall(CLIENT.copy_file("%(local_file)s", "%(remote_file)s", copy_args=files), raise_error=True)
    then = "cd %s && tar xzf pack.tar.gz -C %s && ln -s %s next && mv -T next current"
    run([then % (base, folder, folder) for base in bases])


if sys.argv[1] == "deploy":
    release()
else:
    run(["true" for _ in SERVERS])
