# shellcheck shell=bash
# The workplace of a measurement: one folder that goes at the end, and an Aweigh in it. Sourced by `run` and `viewers`,
# after fleet.sh and meter.sh.

aweigh=${AWEIGH:-${CARGO_TARGET_DIR:-$here/../target}/release/aweigh}
serve=
timing=

fail() {
  printf 'bench: %s\n' "$*" >&2
  exit 1
}

# Looks for what is needed, and makes the folder for $1 servers.
prepare() {
  local program
  for program in git ssh ssh-keygen zstd tar xargs; do
    command -v "$program" >/dev/null || fail "$program is missing"
  done
  [ -x "$aweigh" ] || fail "$aweigh is missing; build it: make release"
  aweigh=$(realpath "$aweigh")
  # Neither the settings of who runs this nor a terminal may change what is measured.
  unset AWEIGH_URL AWEIGH_TOKEN AWEIGH_DATA AWEIGH_CONFIG AWEIGH_LOG AWEIGH_MASTER_KEY SSH_AUTH_SOCK "${!GIT_@}"
  export NO_COLOR=1
  token=$(head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n')
  folder_make "$1"
  trap clean_up EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
}

# Everything is made in one folder: in memory where that is possible, so that no disk gets into the figures.
folder_make() {
  local servers=$1 needed available
  work=$(mktemp -d "${TMPDIR:-/tmp}/aweigh-bench.XXXXXX")
  fleet=$work/fleet
  needed=$((servers * 100 + 1000))
  available=$(awk '/^MemAvailable/ { print int($2 / 1024) }' /proc/meminfo)
  place="on disk"
  if [ "$(id -u)" = 0 ] && [ "$available" -gt $((2 * needed)) ] &&
    mount -t tmpfs -o "size=${needed}m,mode=700" aweigh-bench "$work" 2>/dev/null; then
    place="in memory"
  fi
}

# Leaves nothing behind, however it ends.
clean_up() {
  trap - EXIT INT TERM
  set +e
  if [ -n "$timing" ]; then
    # shellcheck disable=SC2046 # a list of numbers
    kill "$timing" $(descendants "$timing") 2>/dev/null
  fi
  serve_stop
  fleet_stop
  cd /
  for _ in {1..40}; do
    if [ "$place" = "on disk" ] || umount "$work" 2>/dev/null; then break; fi
    sleep 0.25
  done
  rm -rf "$work"
}

# A new Aweigh that knows the servers 1 to $1 and the project with the repository $2, and has done nothing yet. $3 are
# more lines for the project.
serve_start() {
  rm -rf "$work/data"
  printf 'listen = "127.0.0.1:0"\n[git]\nallow_protocols = ["file"]\n' >"$work/server.toml"
  {
    printf '[credentials.bench]\nkind = "ssh-key"\nfile = "fleet/client-key"\n'
    printf '[defaults.server]\nuser = "%s"\ncredential = "bench"\n' "$(id -un)"
    for ((n = 1; n <= $1; n++)); do
      printf '[servers.h%s]\nhost = "127.0.0.1"\nport = %s\nhost_key = "%s"\n' "$n" "${ports[$n]}" "$(host_key "$n")"
    done
    printf '[projects.site]\nrepository = "file://%s"\n%s\n' "$2" "${3:-}"
    printf '[projects.site.environments.bench]\nservers = "all"\npath = "~/site"\n'
  } >"$work/fleet.toml"
  # Emptied here, not by the process that starts: what the last one said must not be taken for an answer.
  : >"$work/serve.log"
  AWEIGH_ADMIN_TOKEN=$token "$aweigh" --data "$work/data" serve --config "$work/server.toml" </dev/null >"$work/serve.log" 2>&1 &
  serve=$!
  for _ in {1..200}; do
    if grep -q 'serves on' "$work/serve.log"; then break; fi
    kill -0 "$serve" 2>/dev/null || fail "serve ended: $(cat "$work/serve.log")"
    sleep 0.05
  done
  # shellcheck disable=SC2034 # the caller reads it
  address=$(grep -o -m 1 'http://[0-9.:]*' "$work/serve.log" | cut -d / -f 3)
  "$aweigh" --data "$work/data" apply -f "$work/fleet.toml" >"$work/apply.log" 2>&1 || fail "$(cat "$work/apply.log")"
}

serve_stop() {
  if [ -z "$serve" ]; then return 0; fi
  kill "$serve" 2>/dev/null || true
  wait "$serve" 2>/dev/null || true
  serve=
}
