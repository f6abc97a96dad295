# Looks at what stands in the folder of an environment, whoever made it, and leaves nothing there. It is read from standard
# input behind two lines, $root and $link (a link elsewhere that leads to what runs; empty for none).
#
# Whatever begins with "@" is an answer. Names of more than one line cannot be told: a word with "_odd" says that there is one.

umask 022
LC_ALL=C
export LC_ALL
unset CDPATH QUOTING_STYLE
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

# Of the links that `stat` tells on standard input, 'NAME' -> 'TEXT', the first whose text leads out of the folder in which
# the names begin. What cannot be read for sure counts as one.
first_out() {
  while IFS= read -r said; do
    case $said in
      *" -> "*" -> "*) case $said in *..*) printf '%s\n' "$said"; return ;; esac ;;
      *" -> "*)
        name=${said%% -> *} text=${said#* -> }
        # Without the quotes, and without the ./ that every name begins with.
        name=${name#???} name=${name%?} text=${text#?} text=${text%?}
        case $text in /*) continue ;; .. | ../* | */.. | */../*) ;; *) continue ;; esac
        depth=0 rest=$name
        while [ "${rest#*/}" != "$rest" ]; do rest=${rest#*/} depth=$((depth + 1)); done
        rest=$text/
        while [ -n "$rest" ]; do
          case ${rest%%/*} in
            '' | .) ;;
            ..)
              depth=$((depth - 1))
              if [ $depth -lt 0 ]; then printf '%s -> %s\n' "$name" "$text"; return; fi
              ;;
            *) depth=$((depth + 1)) ;;
          esac
          rest=${rest#*/}
        done
        ;;
    esac
  done
}

here=
case $root in "~/"*) root=$HOME/${root#??} ;; esac
case $link in "~/"*) link=$HOME/${link#??} ;; esac
if cd "$root" 2>/dev/null; then
  here=$(pwd -P)
  say root "$here"
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
  project=${library##*/} project=${project%%_*}
  library=${library%/*}
  if [ -n "$library" ] && is_one_line "$library"; then
    say library "$library"
    look "$library" "$link" shelf
    # What is not here yet would be brought to another place, where a link that leads out of it leads elsewhere.
    if [ "$library" != "${here:-/}/releases" ]; then
      for path in "$library/${project}_"*; do
        name=${path##*/}
        if [ -d "$path" ] && [ ! -L "$path" ] && is_one_line "$name"; then
          out=$(cd "$path" && find . -type l -print0 2>/dev/null | xargs -0 -r stat -c %N 2>/dev/null | first_out)
          if [ -n "$out" ]; then say out "${path##*/}" "$out"; fi
        fi
      done
    fi
  fi
elif [ -n "$link" ] && [ -e "$link" ]; then
  say link_other
fi
say whole
