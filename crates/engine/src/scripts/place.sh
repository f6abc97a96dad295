# What the folder of an environment is on a server, without a trace: who may write there, and how much room is left.
#
# ROOT was read before. Answers lines "@key value", the last one "@whole".

unset CDPATH
LC_ALL=C
export LC_ALL
say() { printf '@%s %s\n' "$1" "$2"; }

case $root in "~/"*) root=$HOME/${root#??} ;; esac
say me "$(id -u)"
at=$root
while [ ! -e "$at" ] && [ ! -L "$at" ]; do
  at=${at%/*}
  [ -n "$at" ] || at=/
done
[ "$at" = "$root" ] || say missing "$root"
if [ -d "$at" ] && cd -P "$at" 2>/dev/null; then
  if [ -w . ]; then say writable yes; fi
  say room "$(stat -f -c '%a %S %d %c' . 2>/dev/null)"
  if [ "$at" = "$root" ]; then
    if [ -L .aweigh ]; then
      say inner_link "$(readlink .aweigh)"
    elif [ -d .aweigh ]; then
      say inner "$(stat -c '%u %a' .aweigh)"
    fi
  fi
  here=$PWD
  while :; do
    say folder "$(stat -c '%u %a' "$here") $here"
    [ "$here" != / ] || break
    here=${here%/*}
    [ -n "$here" ] || here=/
  done
elif [ -L "$at" ] && [ ! -e "$at" ]; then
  say dangling "$at"
elif [ -d "$at" ]; then
  say closed "$at"
else
  say other "$at"
fi
say whole ''
