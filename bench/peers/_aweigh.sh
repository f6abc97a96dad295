# shellcheck shell=bash
# What the peers whose names begin with aweigh have in common; sourced with
#   environment   more keys of the environment in the fleet file
#   stays         1 where `serve`, and with it every connection, stays up from v1 to v2
#   runs          1 where `true` on all servers is `aweigh run`, and not the transport of Aweigh by itself
# shellcheck source=_shell.sh
. "$BENCH_HERE/peers/_shell.sh"

# Whether the transport of Aweigh can be called by itself.
tool=$BENCH_WORK/tool

# Runs `true` on all servers by the transport of Aweigh.
run_true() {
  "$BENCH_TOOL" exec "$@" --ports $((BENCH_BASE_PORT + 1)) --count "$BENCH_N" --user "$BENCH_USER" --key "$BENCH_KEY" \
    --known-hosts "$BENCH_KNOWN_HOSTS" -- true
}

serve() { python3 "$BENCH_HERE/lib/aweigh.py" "$@"; }

case $1 in
  check)
    [ -x "$AWEIGH" ] || { echo "$AWEIGH is missing: make release"; exit 1; }
    "$AWEIGH" --version ;;
  prepare)
    case $BENCH_TASK-${runs:-0} in
      exec-1)
        serve start "${environment:-}"
        # Warm: the connections of a first run are still open.
        if [ "${stays:-0}" = 1 ]; then "$AWEIGH" --data "$BENCH_WORK/data" run all -- true; fi ;;
      *-1) ;;
      v1-* | tiny-*) serve start "${environment:-}" ;;
      v2-* | same-*) if [ "${stays:-0}" = 0 ]; then serve restart; fi ;;
      exec-*)
        serve stop
        if "$BENCH_TOOL" exec --help >/dev/null 2>&1; then : >"$tool"; fi ;;
    esac ;;
  deploy)
    if [ "${runs:-0}" = 1 ]; then exit 77; fi
    exec "$AWEIGH" --data "$BENCH_WORK/data" release app -e bench "$BENCH_REV" ;;
  exec)
    if [ "${runs:-0}" = 1 ]; then exec "$AWEIGH" --data "$BENCH_WORK/data" run all -- true; fi
    [ -e "$tool" ] || exit 77
    # Warm: it runs twice over the same connections, and says how long the second time took.
    if [ "${stays:-0}" = 1 ]; then run_true --warm >"$BENCH_WORK/seconds"; else run_true; fi ;;
  clean)
    # What it said goes into the log of the peer.
    cat "$BENCH_WORK/serve.log" 2>/dev/null || true
    serve stop ;;
esac
