# shellcheck shell=bash
# For peers that are a Python program in a virtualenv of their own; sourced with
#   venv      the virtualenv in $BENCH_PEERS
#   package   the package that tells the version
#   program   the file in peers/python, and its words after the verb
# shellcheck source=_shell.sh
. "$BENCH_HERE/peers/_shell.sh"
: "${venv:?}" "${package:?}" "${program:?}"
python=$BENCH_PEERS/$venv/bin/python
case $1 in
  check)
    [ -x "$python" ] || { echo "$package is missing in $BENCH_PEERS"; exit 1; }
    "$python" -c "from importlib.metadata import version as v; print('$package', v('$package'))" ;;
  deploy | exec)
    read -r file words <<<"$program"
    # shellcheck disable=SC2086 # a list of words
    exec "$python" "$BENCH_HERE/peers/python/$file" "$1" ${words:-} ;;
esac
