# shellcheck shell=bash
# What processes cost: CPU time and memory, from /proc. Sourced by `run`; README.md explains the method.

: "${work:=}"

# Every process as "pid parent ticks pages": CPU time of its own and of the children that it has waited for, and
# what is resident of it. Processes that end while they are listed are left out.
processes() {
  { cat /proc/[0-9]*/stat 2>/dev/null || true; } | awk '
    { pid = $1; sub(/^.*\) /, ""); print pid, $2, $12 + $13 + $14 + $15, $22 }'
}

# Those lines of `processes` that stand below the processes named; `-v self=1` counts those too.
# shellcheck disable=SC2016 # for awk
below='
  { parent[$1] = $2; ticks[$1] = $3; pages[$1] = $4 }
  function is_below(pid,   at) {
    if (pid in root) return self
    for (at = parent[pid]; at in parent; at = parent[at]) if (at in root) return 1
    return 0
  }
  BEGIN { count = split(roots, names, " "); for (i = 1; i <= count; i++) root[names[i]] = 1 }'

# The processes that run below the processes $*, one per line.
descendants() {
  processes | awk -v roots="$*" -v self=0 "$below"'
    END { for (pid in parent) if (is_below(pid)) print pid }'
}

# Seconds of CPU that the processes $* and all below them have used so far.
cpu_seconds() {
  processes | awk -v roots="$*" -v self=1 -v hertz="$(getconf CLK_TCK)" "$below"'
    END { for (pid in parent) if (is_below(pid)) sum += ticks[pid]; print sum / hertz }'
}

# Appends "largest sum" in MB of what is resident below $1, and in and below $2 where it is given.
sample_memory() {
  processes | awk -v roots="$1 ${2:-}" -v self=1 -v harness="$1" -v page="$(getconf PAGESIZE)" "$below"'
    END {
      for (pid in parent) if (pid != harness && is_below(pid)) {
        sum += pages[pid]
        if (pages[pid] > largest) largest = pages[pid]
      }
      print largest * page / 1e6, sum * page / 1e6
    }' >>"$memory"
}

# Runs a command to its end, beside the process $1 (0 for none) that belongs to the controller too. Sets
#   wall     seconds
#   cpu      seconds of CPU of the command, of all that it waited for, and of the process beside it
#   largest  MB of the largest process; tree: MB of all of them together, at the worst moment
# `timing` is the process of the command while it runs, for whoever must end it early.
# shellcheck disable=SC2034 # the caller reads them
timed() {
  local beside=$1 before after log=$work/timed.log times=$work/times memory=$work/memory user system
  shift
  : >"$memory"
  before=$(cpu_seconds "$beside")
  # The shell's own clock: wall time, and the CPU time of what it has waited for, without a process in between.
  (TIMEFORMAT='%3R %3U %3S'; time "$@" >"$log" 2>&1) 2>"$times" &
  timing=$!
  while kill -0 "$timing" 2>/dev/null; do
    sample_memory "$timing" "$beside"
    sleep 0.1
  done
  wait "$timing" || fail "$* failed: $(tail -n 15 "$log")"
  timing=
  after=$(cpu_seconds "$beside")
  read -r wall user system < <(tail -n 1 "$times")
  cpu=$(awk "BEGIN { print $user + $system + $after - $before }")
  read -r largest tree < <(awk '$1 > a { a = $1 } $2 > b { b = $2 } END { print a + 0, b + 0 }' "$memory")
  # The kernel keeps the peak of a process that still runs; that one no sample misses.
  if [ "$beside" != 0 ]; then
    largest=$(awk -v largest="$largest" '/^VmHWM/ { peak = $2 * 1024 / 1e6 }
      END { print (peak > largest ? peak : largest) }' "/proc/$beside/status")
  fi
}
