"""paramiko, as courses teach it: a class around a connection that runs commands and puts files by SFTP.

paramiko_release.py deploy|exec threads|one-by-one
"""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import paramiko

ENV = os.environ
COUNT = int(ENV["BENCH_N"])
PACK = ENV["BENCH_WORK"] + "/pack.zip"
KEY = paramiko.Ed25519Key.from_private_key_file(ENV["BENCH_KEY"])


class Connection:
    def __init__(self, number):
        self.transport = paramiko.Transport(("127.0.0.1", int(ENV["BENCH_BASE_PORT"]) + number))

    def __enter__(self):
        self.transport.connect(username=ENV["BENCH_USER"], pkey=KEY)
        return self

    def __exit__(self, *_):
        self.transport.close()

    def run(self, command):
        client = paramiko.SSHClient()
        client._transport = self.transport
        _, stdout, stderr = client.exec_command(command)
        stdout.read()
        code = stdout.channel.recv_exit_status()
        if code:
            raise RuntimeError(f"{command}: {code} {stderr.read()}")

    def put(self, local, remote):
        sftp = paramiko.SFTPClient.from_transport(self.transport)
        sftp.put(local, remote)
        sftp.close()


def release(number):
    base = "{}/h{}/home/{}".format(ENV["BENCH_FLEET"], number, ENV["BENCH_APP"])
    folder = "releases/" + ENV["BENCH_RELEASE"]
    with Connection(number) as server:
        server.run(f"mkdir -p {base}/{folder}")
        server.put(PACK, base + "/pack.zip")
        server.run(f"cd {base} && unzip -q -o pack.zip -d {folder}")
        server.run(f"cd {base} && ln -s {folder} next && mv -T next current")


def run_true(number):
    with Connection(number) as server:
        server.run("true")


def main(verb, way):
    job = run_true
    if verb == "deploy":
        job = release
        archive = ["git", "-C", ENV["BENCH_REPO"], "archive", "--format=zip", "-o", PACK, ENV["BENCH_REV"]]
        subprocess.check_call(archive)
    at_once = int(ENV["BENCH_PAR"]) if way == "threads" else 1
    with ThreadPoolExecutor(at_once) as threads:
        list(threads.map(job, range(1, COUNT + 1)))


main(*sys.argv[1:])
