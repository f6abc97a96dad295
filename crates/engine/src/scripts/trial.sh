# Tries a hook on a server, outside of a release, in the folder of what is live there.
#
# values, one per line on standard input: NONCE, the folder of the environment, check (1: the text is read and not run),
# variables, size; then the text. Then the input stays open: its end ends the hook.
# Answers what the hook writes, and then "@NONCE end STATUS", or "@NONCE bad WHY".

set -u
unset CDPATH
exec 2>&1
IFS= read -r nonce || exit 1; IFS= read -r root; IFS= read -r check; IFS= read -r count
dir=
tidy() { [ -z "$dir" ] || rm -rf "$dir"; }
trap tidy EXIT
# It leaves nothing behind when it is heard.
answer() { tidy; printf '\n@%s %s\n' "$nonce" "$*"; }
case $root in "~/"*) root=$HOME/${root#??} ;; esac
cd -P "$root/current/." 2>/dev/null || { answer bad "no release is live at $root/current"; exit 0; }
# What was killed in the middle leaves its folder to the next one.
find "$root/.aweigh" -maxdepth 1 -name 'trial-*' -mmin +60 -exec rm -rf {} + 2>/dev/null
dir=$root/.aweigh/trial-$$
rm -rf "$dir" && mkdir -p "$dir" || { answer bad "$dir cannot be made"; exit 0; }
printf '' >"$dir/env"
while [ "$count" -gt 0 ]; do IFS= read -r line; count=$((count - 1)); printf '%s\n' "$line" >>"$dir/env"; done
IFS= read -r size
head -c "$size" >"$dir/script"
[ "$(wc -c <"$dir/script")" -eq "$size" ] || { answer bad "the text did not fit into $dir"; exit 0; }

# Who runs it: the interpreter of its first line, or else `sh -e`.
first=
case $(head -c 2 "$dir/script") in '#!') IFS= read -r first <"$dir/script"; first=${first#??} ;; esac

if [ "$check" = 1 ]; then
  if [ -z "$first" ]; then sh -n "$dir/script"; answer end $?; exit 0; fi
  set -f
  # The line of an interpreter is its path and a word.
  set -- $first
  command -v "${1:-}" >/dev/null || { echo "there is no ${1:-interpreter} on this server"; answer end 127; exit 0; }
  echo "only the interpreter was looked for: $1 is there"
  answer end 0
  exit 0
fi

start() {
  # A variable of theirs may have a name of ours: behind this are numbers alone.
  set -- "$dir" "$first" "$root"
  take_in "$1/env"
  export AWEIGH_RELEASE_PATH="$PWD" AWEIGH_RELEASE_NAME="${PWD##*/}"
  export AWEIGH_CURRENT_PATH="$3/current" AWEIGH_SHARED_PATH="$3/shared"
  if [ -n "$2" ]; then chmod 700 "$1/script" && exec setsid "$1/script"; else exec setsid sh -e "$1/script"; fi
}
exec 3<&0
start </dev/null 3<&- &
child=$!
# With nobody left who hears it, this still has to tidy up.
trap '' PIPE
# Whoever asked has gone, or has waited long enough.
{ while IFS= read -r line <&3; do :; done; kill -KILL "-$child"; } >/dev/null 2>&1 &
watcher=$!
exec 3<&-
wait "$child" 2>/dev/null
answer end $?
kill "$watcher" 2>/dev/null
exit 0
