"""The git repositories of the measurements: made once, the same bytes each time, with the tags v1 and v2.

tiny       22 files, 0.1 MB; v2 changes 3 of them
app        5,005 files, 60.7 MB: 4,960 sources of 1 to 20 KB that compress as code does, 40 assets of 0.1 to
           5 MB that do not, a symbolic link, executables; 60 earlier commits, 20 branches, 30 tags; v2
           changes 40 paths, 0.5 MB
files-N    N sources of 0.5 to 4 KB; v2 changes 40 paths
bytes-N    1,000 files of N MB together that do not compress; v2 changes 40 paths
"""

import math
import random
import shutil
import subprocess

from lib import place

WORDS = (
    "async await return import export const function class extends default render state props "
    "value index config router session model view template query filter order limit offset user "
    "account release deploy server project branch commit status error result response request "
    "handler service helper context module package version option parse format build test assert "
    "string number boolean array object null undefined true false if else for while switch case"
).split()
ENDINGS = (".js", ".py", ".html", ".css", ".vue", ".ts", ".php", ".json", ".md", ".sql")
FOLDERS = ["src", "app", "lib", "tests", "static/js", "static/css", "templates", "docs", "vendor"]
SEED = 7


def repository(name):
    """The folder of the (bare) repository `name`, which is made when it is not there yet."""
    folder = place.TMP / "repositories" / (name + ".git")
    if not folder.exists():
        unfinished = folder.with_suffix(".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.parent.mkdir(parents=True, exist_ok=True)
        _make(name, unfinished)
        unfinished.rename(folder)
    return folder


def _make(name, folder):
    kind, _, number = name.partition("-")
    # The draws of one generator, in one order: a change here is a change of every byte that follows.
    rng = random.Random(f"{name}-{SEED}")
    if kind == "tiny":
        files, changed = tree(rng, 18, (3000, 9000), []), (2, 1, 0, 0)
    elif kind == "app":
        files, changed = (
            tree(rng, 4960, (1000, 20_000), asset_sizes(rng, 40, 29_000_000)),
            (34, 3, 2, 260_000),
        )
    elif kind == "files":
        files, changed = tree(rng, int(number), (500, 4000), []), changes_of(int(number))
    elif kind == "bytes":
        return _make_bytes(rng, float(number), folder)
    else:
        raise place.Failed(f"there is no repository {name}")
    writer = Writer(folder)
    writer.commit("initial", {"README.md": ("100644", b"bench\n")})
    files["README.md"] = ("100644", b"bench\n")
    if kind == "app":
        history(rng, writer, files)
    writer.reference("refs/tags/v1", writer.commit("release v1", files))
    writer.reference("refs/tags/v2", writer.commit("release v2", changes(rng, files, *changed)))
    writer.close()


def changes_of(count):
    """How many files of `count` v2 edits, adds and deletes; and the size of a new asset."""
    return (35, 3, 2, 0) if count >= 100 else (2, 1, 0, 0)


def _make_bytes(rng, megabytes, folder):
    size = max(1, int(megabytes * 1000))
    files = {f"part-{i % 20}/{i}.bin": ("100644", rng.randbytes(size)) for i in range(1000)}
    writer = Writer(folder)
    writer.reference("refs/tags/v1", writer.commit("release v1", files))
    changed = {path: ("100644", rng.randbytes(size)) for path in rng.sample(sorted(files), 40)}
    writer.reference("refs/tags/v2", writer.commit("release v2", changed))
    writer.close()


def text(rng, size):
    """Lines of words, with a number or a name of its own in some of them."""
    lines, length = [], 0
    while length < size:
        indent = "    " * rng.randrange(4)
        line = indent + " ".join(rng.choice(WORDS) for _ in range(rng.randrange(3, 11)))
        if rng.random() < 0.35:
            line += f"_{rng.getrandbits(32):x}"
        if rng.random() < 0.3:
            line += f" = {rng.randrange(10**6)};"
        lines.append(line)
        length += len(line) + 1
    return ("\n".join(lines) + "\n").encode()[:size]


def between(rng, low, high):
    """A size between two; as many small ones as large ones."""
    return int(math.exp(rng.uniform(math.log(low), math.log(high))))


def asset_sizes(rng, count, total):
    drawn = [between(rng, 100_000, 5_000_000) for _ in range(count)]
    scale = total / sum(drawn)
    return [max(100_000, int(size * scale)) for size in drawn]


def tree(rng, sources, sizes, assets):
    """Files by path: (mode, bytes). About 12 in a folder, folders up to five levels deep."""
    folders = list(FOLDERS)
    for i in range(max(3, sources // 12)):
        above = rng.choice(folders if len(folders) < 40 else folders[-200:] + folders[:20]).split("/", 4)[0]
        name = "/" + rng.choice(WORDS) + str(i % 97)
        folders.append(above + name + ("/" + rng.choice(WORDS) if rng.random() < 0.5 else ""))
    files = {}
    for i in range(sources):
        mode = "100755" if i % (sources // 10 or 1) == 0 else "100644"
        content = text(rng, between(rng, *sizes))
        path = f"{rng.choice(folders)}/{rng.choice(WORDS)}_{i}{rng.choice(ENDINGS)}"
        files[path] = (mode, content)
    for i, size in enumerate(assets):
        content = rng.randbytes(size)
        path = "public/assets/img_{}.{}".format(i, rng.choice(("png", "woff2", "jpg", "wasm")))
        files[path] = ("100644", content)
    files["public/index.html"] = ("100644", text(rng, 4000))
    files["public/home.html"] = ("120000", b"index.html")
    return files


def history(rng, writer, files):
    """Sixty commits before v1, with branches and tags on some of them."""
    for i in range(60):
        changed = {"CHANGELOG.md": ("100644", text(rng, 200 + 40 * i))}
        files.update(changed)
        title = " ".join(rng.choice(WORDS) for _ in range(6))
        mark = writer.commit(f"change {i}: {title}", changed)
        if i % 3 == 0:
            writer.reference(f"refs/heads/feature/topic-{i}", mark)
        if i % 2 == 0:
            writer.reference(f"refs/tags/v0.{i}", mark)


def changes(rng, files, edited, added, deleted, asset):
    """What v2 changes: path -> (mode, bytes), or None for what it deletes."""
    changed = {}
    sources = sorted(
        path for path, (mode, _) in files.items() if mode[:3] == "100" and not path.startswith("public/")
    )
    picked = rng.sample(sources, edited + deleted)
    for path in picked[:edited]:
        mode, old = files[path]
        cut = rng.randrange(len(old))
        changed[path] = (mode, old[:cut] + text(rng, 400) + old[cut:])
    for path in picked[edited:]:
        changed[path] = None
    for i in range(added):
        changed[f"src/new_in_v2/added_{i}.js"] = ("100644", text(rng, 3000))
    if asset:
        first = min(path for path in files if path.startswith("public/assets/"))
        changed[first] = ("100644", rng.randbytes(asset))
    return changed


class Writer:
    """Writes commits by `git fast-import`; dates and names are fixed, so hashes are."""

    def __init__(self, folder):
        subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(folder)], check=True)
        subprocess.run(["git", "-C", str(folder), "config", "gc.auto", "0"], check=True)
        command = ["git", "-C", str(folder), "fast-import", "--quiet"]
        self.importer = subprocess.Popen(command, stdin=subprocess.PIPE)
        self.mark, self.moment = 0, 1_700_000_000

    def _write(self, words):
        self.importer.stdin.write(words.encode())

    def commit(self, title, changed):
        """One commit on main; answers its mark."""
        self.mark += 1
        self.moment += 3600
        who = f"Bench User <bench@example.invalid> {self.moment} +0000"
        self._write(f"commit refs/heads/main\nmark :{self.mark}\ncommitter {who}\n")
        self._write(f"data {len(title)}\n{title}\n")
        for path, entry in changed.items():
            if entry is None:
                self._write(f"D {path}\n")
            else:
                mode, content = entry
                self._write(f"M {mode} inline {path}\ndata {len(content)}\n")
                self.importer.stdin.write(content + b"\n")
        self._write("\n")
        return self.mark

    def reference(self, name, mark):
        self._write(f"reset {name}\nfrom :{mark}\n\n")

    def close(self):
        self.importer.stdin.close()
        if self.importer.wait():
            raise place.Failed("git fast-import failed")
