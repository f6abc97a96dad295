# Looks at what stands in the folder of an environment, whoever made it, and leaves nothing there. It is read from standard
# input behind two lines, $root and $link (a link elsewhere that leads to what runs; empty for none).
#
# Whatever begins with "@" is an answer. Names of more than one line cannot be told: a word with "_odd" says that there is one.

umask 022
LC_ALL=C
export LC_ALL
unset CDPATH
newline='
'

say() { printf '@%s\n' "$*"; }
is_one_line() { case $1 in *"$newline"*) return 1 ;; esac; }

# Every folder in $1, of which $2 leads to the one that runs; $3 is what they are called in the answer.
look() {
  for path in "$1"/* "$1"/.[!.]*; do
    name=${path##*/}
    if ! is_one_line "$name"; then say "$3_odd"; continue; fi
    if [ -L "$path" ]; then say "$3_link" "$name"; continue; fi
    [ -d "$path" ] || continue
    revision=
    if [ -f "$path/REVISION" ]; then revision=$(head -c 65 "$path/REVISION" | head -n 1); fi
    case $revision in '' | *[!0-9a-f]*) revision=- ;; esac
    flags=-
    if [ "$path" -ef "$2" ]; then flags=${flags}r; fi
    if [ -f "$path/BAD_RELEASE" ] || [ -f "$path/DIRTY_RELEASE" ]; then flags=${flags}b; fi
    if [ "$path" -ef release ]; then flags=${flags}u; fi
    if [ -f ".aweigh/manifests/$name/seal" ]; then flags=${flags}s; fi
    say "$3" "$(stat -c %Y "$path")" "$revision" "$flags" "$name"
  done
}

case $root in "~/"*) root=$HOME/${root#??} ;; esac
case $link in "~/"*) link=$HOME/${link#??} ;; esac
if cd "$root" 2>/dev/null; then
  say root "$(pwd -P)"
  for mark in repo .dep; do if [ -d $mark ]; then say mark $mark; fi; done
  if [ -f revisions.log ]; then say mark revisions.log; fi
  if [ -e .dep/deploy.lock ]; then say locked .dep/deploy.lock "$(head -c 100 .dep/deploy.lock | head -n 1)"; fi
  if [ -L current ]; then
    text=$(readlink current)
    if is_one_line "$text"; then say current "$text"; else say current_odd; fi
    if [ -d current/. ]; then say leads; fi
  elif [ -e current ]; then
    say current_other
  fi
  look releases current release
  if [ -f .dep/releases_log ]; then tail -n 500 .dep/releases_log | sed 's/^/@made /'; fi
  if [ -f revisions.log ]; then tail -n 500 revisions.log | sed 's/^/@done /'; fi
elif [ -n "$link" ]; then
  # From here on nothing is a path below the folder of the environment.
  cd / || exit 0
else
  say nothing
fi
if [ -L "$link" ]; then
  text=$(readlink "$link")
  if is_one_line "$text"; then say link "$text"; else say link_odd; fi
  library=$(cd "$link" 2>/dev/null && pwd -P)
  library=${library%/*}
  if [ -n "$library" ] && is_one_line "$library"; then
    say library "$library"
    look "$library" "$link" shelf
  fi
elif [ -n "$link" ] && [ -e "$link" ]; then
  say link_other
fi
say whole
