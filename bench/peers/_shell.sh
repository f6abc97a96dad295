# shellcheck shell=bash
# For peers written in shell; sourced.
set -euo pipefail
: "${BENCH_WORK:=}" "${BENCH_N:=1}" "${BENCH_APP:=app}" "${BENCH_RELEASE:=}" "${BENCH_PAR:=1}" "${BENCH_SSH_CONFIG:=}"
SSH="ssh -F $BENCH_SSH_CONFIG"
export SSH BENCH_RELEASE

# The names of the servers.
hosts() { local i; for ((i = 1; i <= BENCH_N; i++)); do echo "h$i"; done; }

# The folder of the application on server $1. It is named as a whole: sshd starts commands in the user's own home
# folder, not in the server's.
base() { echo "$BENCH_FLEET/$1/home/$BENCH_APP"; }
export -f base

# Fails `check` where a program is missing.
need() { command -v "$1" >/dev/null || { echo "needs $1"; exit 1; }; }

# Runs the function $1 for every server at once, with the name of the server.
on_all() { export -f "${1?}"; hosts | xargs -P "$BENCH_PAR" -I{} bash -c "$1 {}"; }
