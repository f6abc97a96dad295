"""What processes cost: time, CPU time and memory, from wait4 and /proc. README.md explains the method."""

import os
import resource
import signal
import subprocess
import threading
import time
from contextlib import suppress

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
CORES = len(os.sched_getaffinity(0))
# Exit code by which a peer says that it does not offer a task.
NOT_OFFERED = 77


class Process:
    """What /proc/PID/stat says: parent, ticks of itself and of the children it waited for, resident bytes."""

    __slots__ = ("parent", "ticks", "resident")

    def __init__(self, pid):
        with open(f"/proc/{pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        self.parent = int(fields[1])
        self.ticks = sum(map(int, fields[11:15]))
        self.resident = 0 if fields[0] == "Z" else int(fields[21]) * PAGE


def processes():
    """Every process by its id; those that end meanwhile are left out."""
    found = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                found[int(name)] = Process(int(name))
            except OSError:
                continue
    return found


def tree(roots):
    """The processes `roots` and all below them, by id."""
    everything = processes()
    children = {}
    for pid, process in everything.items():
        children.setdefault(process.parent, []).append(pid)
    found, waiting = {}, [pid for pid in roots if pid in everything]
    while waiting:
        pid = waiting.pop()
        if pid not in found:
            found[pid] = everything[pid]
            waiting += children.get(pid, [])
    return found


def cpu_seconds(roots):
    """Seconds of CPU that the processes `roots` and all below them have used so far."""
    return sum(process.ticks for process in tree(roots).values()) / TICKS


class Account:
    """A control group: the kernel adds up exactly what everything in it has used, ended or not."""

    def __init__(self, folder, file, key, unit):
        self.folder, self.file, self.key, self.unit = folder, file, key, unit
        os.mkdir(folder)

    @classmethod
    def open(cls, name):
        """A new account, or None where this system offers none."""
        for parent, file, key, unit in (
            ("/sys/fs/cgroup/cpuacct", "cpuacct.usage", "", 1e9),
            ("/sys/fs/cgroup", "cpu.stat", "usage_usec", 1e6),
        ):
            if os.path.exists(f"{parent}/cgroup.procs"):
                with suppress(OSError):
                    return cls(f"{parent}/{name}", file, key, unit)
        return None

    def enter(self):
        """What a command begins with so that it, and all that it starts, is on this account."""
        return ["sh", "-c", 'echo $$ >"$0/cgroup.procs" && exec "$@"', self.folder]

    def seconds(self):
        """Seconds of CPU so far."""
        with open(f"{self.folder}/{self.file}") as file:
            for line in file:
                if line.startswith(self.key):
                    return int(line.split()[-1]) / self.unit
        raise OSError(f"{self.folder}/{self.file} does not say what was used")

    def close(self):
        """Removes it. What was in it may need a moment to end."""
        end = time.monotonic() + 5
        while time.monotonic() < end:
            with suppress(OSError):
                return os.rmdir(self.folder)
            time.sleep(0.05)


def machine_seconds():
    """Seconds of CPU that the whole machine has used so far, but for processes that gave way (nice)."""
    with open("/proc/stat") as file:
        user, _, system, _, _, irq, softirq = map(int, file.readline().split()[1:8])
    return (user + system + irq + softirq) / TICKS


def wait_for_quiet(seconds):
    """Waits, at most so long, for a moment in which nobody else uses the processors."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        before = machine_seconds()
        time.sleep(0.3)
        if (machine_seconds() - before) / 0.3 < 0.25 * CORES:
            return


def _children(pid):
    """The children of a process, without a look at every process there is."""
    found = []
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/children") as file:
            found += map(int, file.read().split())
    return found


def resident_sizes(roots):
    """Resident bytes of each of the processes `roots` and below, as cheaply as possible."""
    if not os.path.exists(f"/proc/self/task/{os.getpid()}/children"):
        return [process.resident for process in tree(roots).values()]
    sizes, waiting = [], list(roots)
    while waiting:
        pid = waiting.pop()
        try:
            sizes.append(Process(pid).resident)
            waiting += _children(pid)
        except OSError:
            continue
    return sizes


def peak_resident(pid):
    """The kernel's own peak of a process that still runs, in bytes."""
    try:
        with open(f"/proc/{pid}/status") as file:
            for line in file:
                if line.startswith("VmHWM"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


def forget_peak(pid):
    """Lets the kernel's peak of a process begin anew."""
    try:
        with open(f"/proc/{pid}/clear_refs", "w") as file:
            file.write("5")
    except OSError:
        pass


class Sampler(threading.Thread):
    """Notes every 0.1 s what is resident of some processes: the largest one, and all of them together."""

    def __init__(self, roots):
        super().__init__(daemon=True)
        self.roots = roots
        self.largest = self.together = 0
        self._end = threading.Event()

    def run(self):
        while not self._end.wait(0.1):
            sizes = resident_sizes(self.roots) or [0]
            self.largest = max(self.largest, *sizes)
            self.together = max(self.together, sum(sizes))

    def stop(self):
        self._end.set()
        self.join()


def timed(command, env, log, servers, daemon=None, limit=900):
    """Runs `command` to its end and says what it cost. `servers` tells what the servers have used (`cpu`),
    and waits until their sessions have ended (`settle`); `daemon` is a process of the peer, too."""
    beside = [daemon] if daemon else []
    if daemon:
        forget_peak(daemon)
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    served, spent, machine = servers.cpu(), cpu_seconds(beside), machine_seconds()
    begun = time.perf_counter()
    with open(log, "ab") as file:
        file.write(b"\n==== %s\n" % " ".join(map(str, command)).encode())
        file.flush()
        child = subprocess.Popen(
            command, env=env, stdin=subprocess.DEVNULL, stdout=file, stderr=file, start_new_session=True
        )
    sampler = Sampler([child.pid] + beside)
    sampler.start()
    over = threading.Timer(limit, end_group, [child.pid])
    over.start()
    try:
        _, status, used = os.wait4(child.pid, 0)
        wall = time.perf_counter() - begun
        child.returncode = os.waitstatus_to_exitcode(status)
    finally:
        over.cancel()
        sampler.stop()
        if child.returncode is None:
            end_group(child.pid)
            child.wait()
    servers.settle()
    controller = used.ru_utime + used.ru_stime + cpu_seconds(beside) - spent
    fleet, everything, lasted = (
        servers.cpu() - served,
        machine_seconds() - machine,
        time.perf_counter() - begun,
    )
    # ru_maxrss counts our own size at the moment of the fork, too: it tells something only above that.
    peaks = [sampler.largest, used.ru_maxrss * 1024 if used.ru_maxrss * 1024 > own else 0]
    peaks += [peak_resident(pid) for pid in beside]
    largest = max(peaks)
    foreign = max(0, everything - controller - fleet) / lasted / CORES
    own_peak = {"daemon_mb": round(peak_resident(daemon) / 1e6, 1)} if daemon else {}
    return {
        **own_peak,
        "code": child.returncode,
        "wall": round(wall, 4),
        "controller": round(controller, 4),
        "servers": round(fleet, 3),
        "largest_mb": round(largest / 1e6, 1),
        "together_mb": round(max(sampler.together, largest) / 1e6, 1),
        "foreign": round(foreign, 3),
    }


def end_group(pid):
    """Ends a command and what it started; it leads a group of its own."""
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
