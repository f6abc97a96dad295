# What lies in the shared folder of an environment, without a trace.
#
# ROOT was read before, and the names are the parameters. Answers lines "@key value", the last one "@whole"; a name is told
# by its number.

unset CDPATH
LC_ALL=C
export LC_ALL
say() { printf '@%s %s\n' "$1" "$2"; }
sum() { { sha256sum || shasum -a 256 || sha256 || openssl dgst -sha256 -r; } 2>/dev/null <"$1" | cut -d ' ' -f 1; }

case $root in "~/"*) root=$HOME/${root#??} ;; esac
number=0
for name in "$@"; do
  at=$root/shared/$name
  if [ -f "$at" ]; then
    say file "$number $(stat -L -c '%a %s %Y' "$at") $(sum "$at")"
  elif [ -d "$at" ]; then
    say folder "$number $(stat -L -c '%a %s %Y' "$at")"
  elif [ -e "$at" ] || [ -L "$at" ]; then
    say other "$number"
  else
    say missing "$number"
  fi
  number=$((number + 1))
done
say whole ''
