"""pyinfra: the operations of a release."""

import os

from pyinfra import host
from pyinfra.operations import files, server

base = "{}/{}".format(host.data.home, os.environ["BENCH_APP"])
release = "releases/" + os.environ["BENCH_RELEASE"]
pack = base + "/pack.tar.gz"

files.directory(path=base + "/" + release, name="release folder")
files.put(src=os.environ["BENCH_WORK"] + "/pack.tar.gz", dest=pack, name="upload")
server.shell(commands=[f"tar xzf {pack} -C {base}/{release}"], name="unpack")
files.link(path=base + "/current", target=release, name="switch", force=True, force_backup=False)
