"""Fabric, one thread per server: put a tar.gz, untar it, switch the link.

fabric_release.py deploy|exec
"""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from fabric import Config, Connection

ENV = os.environ
PACK = ENV["BENCH_WORK"] + "/pack.tar.gz"
CONFIG = Config(overrides={"load_ssh_configs": False}, lazy=True)
QUIET = {"hide": True, "in_stream": False}


def connection(number):
    return Connection(
        "127.0.0.1",
        user=ENV["BENCH_USER"],
        port=int(ENV["BENCH_BASE_PORT"]) + number,
        config=CONFIG,
        connect_kwargs={"key_filename": ENV["BENCH_KEY"], "allow_agent": False, "look_for_keys": False},
    )


def release(number):
    base = "{}/h{}/home/{}".format(ENV["BENCH_FLEET"], number, ENV["BENCH_APP"])
    folder = "releases/" + ENV["BENCH_RELEASE"]
    with connection(number) as server:
        server.run(f"mkdir -p {base}/{folder}", **QUIET)
        server.put(PACK, base + "/pack.tar.gz")
        server.run(f"cd {base} && tar xzf pack.tar.gz -C {folder}", **QUIET)
        server.run(f"cd {base} && ln -s {folder} next && mv -T next current", **QUIET)


def run_true(number):
    with connection(number) as server:
        server.run("true", **QUIET)


job = run_true
if sys.argv[1] == "deploy":
    job = release
    archive = ["git", "-C", ENV["BENCH_REPO"], "archive", "--format=tar.gz", "-o", PACK, ENV["BENCH_REV"]]
    subprocess.check_call(archive)
with ThreadPoolExecutor(int(ENV["BENCH_PAR"])) as threads:
    list(threads.map(job, range(1, int(ENV["BENCH_N"]) + 1)))
