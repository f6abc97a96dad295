"""Whether servers run exactly what git says."""

import hashlib
import os
import stat
import subprocess

# Files that tools add to a release on purpose.
ADDED = {"REVISION", "REVISION_TIME", ".git"}


def expected(repository, revision):
    """The files of a revision: path -> (mode, size, blob id)."""
    listing = subprocess.check_output(["git", "-C", str(repository), "ls-tree", "-rlz", revision]).decode()
    files = {}
    for line in filter(None, listing.split("\0")):
        described, path = line.split("\t", 1)
        mode, _, blob, size = described.split()
        files[path] = (mode, int(size), blob)
    return files


def difference(base, files, contents):
    """What is wrong with the release that `base`/current points to, or nothing. `contents`: hash, too."""
    current = base / "current"
    if not current.is_symlink():
        return "current is not a symbolic link"
    root = os.path.realpath(current)
    if not root.startswith(str(base.resolve()) + "/"):
        return "current points outside"
    seen = 0
    for path, entry in walk(root):
        if path not in files:
            return f"{path} should not be there"
        wrong = _wrong(entry, *files[path], contents)
        if wrong:
            return f"{path} {wrong}"
        seen += 1
    return "" if seen == len(files) else f"{seen} files, not {len(files)}"


def walk(root):
    """Everything below `root` that is not a folder: relative path and directory entry."""
    waiting = [""]
    while waiting:
        folder = waiting.pop()
        with os.scandir(os.path.join(root, folder)) as entries:
            for entry in entries:
                if not folder and entry.name in ADDED:
                    continue
                path = folder + entry.name
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(path + "/")
                else:
                    yield path, entry


def _wrong(entry, mode, size, blob, contents):
    found = entry.stat(follow_symlinks=False)
    kind = "100755" if found.st_mode & 0o100 else "100644"
    if stat.S_ISLNK(found.st_mode):
        kind = "120000"
    elif not stat.S_ISREG(found.st_mode):
        kind = "no file"
    if kind != mode:
        return f"is {kind}, not {mode}"
    if found.st_size != size:
        return f"has {found.st_size} bytes, not {size}"
    if contents and _blob_id(entry.path, kind) != blob:
        return "has other content"
    return ""


def _blob_id(path, kind):
    if kind == "120000":
        content = os.readlink(path).encode()
    else:
        with open(path, "rb") as file:
            content = file.read()
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
