# The driver of Aweigh: everything that happens on a server is a verb of this constant file.
#
#   sh driver-HASH serve NONCE     reads commands on standard input, a verb and its values, one per line
#   sh driver-HASH run DIR CWD     runs one hook, through another program where there is one (the sandbox of the machine of
#                                  Aweigh); started by the verb `hook` in a session of its own
#   sh driver-HASH rollback [NAME] by hand, with Aweigh gone: `current` goes back to an earlier release
#
# It runs in the folder of the environment. Whatever begins with "@NONCE " on standard output is an answer:
# "key value" lines, then "end STATUS". Anything else is what a tool said, and is shown when a verb fails.
# Values are read with `IFS= read -r`, which never reads ahead; none of them ever becomes part of a command.
#
# Status: 0 done, 70 a tool failed, 71 a linked file is missing, 75 locked, 76 not complete, 77 touched since
# it was sealed, 78 drift, 79 `current` is not a link, 80 unknown run, 81 a file is in the way, 64 not a verb.

set -u
umask 022
LC_ALL=C
export LC_ALL
# A setting of the login user that changes what `cd` says.
unset CDPATH
# GNU tar reads 10 KB at once, unless it is told otherwise; others do not know this variable.
TAR_OPTIONS=--blocking-factor=128
export TAR_OPTIONS
mode=$1

# When a process was started, in ticks since the boot: with its number it is one process, and not one that has the number now.
# $1 is its line in /proc/PID/stat (proc_pid_stat(5), field 22); behind the name, which may hold anything, that is the 20th.
born_of() {
  set -- ${1##*) }
  echo "${20:-}"
}

# ------------------------------------------------------------------ one hook, in its own session
if [ "$mode" = run ]; then
  # A variable of theirs may have a name of ours: here are numbers alone.
  # Asked to end, it stays to tell how the hook ended. What it starts hears the signal by itself.
  trap : TERM
  # The name appears only when it is whole: whoever reads `pid` reads a number. What cannot be found again is not run.
  (read -r stat </proc/$$/stat && born_of "$stat") >"$2/born" 2>/dev/null
  echo $$ >"$2/pid.new" && mv "$2/pid.new" "$2/pid" || exit 73
  # The driver reads bytes; a hook has the language of the session.
  unset LC_ALL TAR_OPTIONS
  take_in "$2/env"
  # From here on they are in the environment of the hook alone.
  if [ -f "$2/secrets" ]; then take_in "$2/secrets"; rm -f "$2/secrets"; fi
  # No variable of ours: it might be one of the hook's.
  if [ -s "$2/through" ]; then cd "$3" && "$(cat "$2/through")" confined "$2"
  else case $(head -c 2 "$2/script") in
    '#!') chmod 700 "$2/script" && cd "$3" && "$2/script" ;;
    *) cd "$3" && sh -e "$2/script" ;;
  esac; fi
  echo $? >"$2/exit.new" && mv "$2/exit.new" "$2/exit"
  exit 0
fi

driver=$0
wanted=
if [ "$mode" = rollback ]; then
  wanted=${2:-}
  set -- rollback "by-hand-$$"
  # By hand, from anywhere: below the folder of the environment lies .aweigh, and in it this file.
  case $driver in */*) cd "${driver%/*}/.." || exit 73 ;; *) cd .. || exit 73 ;; esac
  driver=.aweigh/${driver##*/}
else
  exec 2>&1
fi
nonce=@$2
here=$PWD
next=.aweigh/next-$2
bad() { printf '%s\n' "$nonce bad $*"; exit 73; }
# A test is no process, and there are thousands of servers.
set --
for needed in releases shared .aweigh/incoming .aweigh/manifests .aweigh/runs .aweigh/trash; do
  # Somebody would have us write elsewhere. The first two may be on another disk on purpose.
  case $needed in .aweigh/*)
    if [ -L "$needed" ]; then bad "$needed is a link: put a folder in its place"; fi ;;
  esac
  [ -d "$needed" ] || set -- "$@" "$needed"
done
if [ $# -gt 0 ]; then mkdir -p "$@" || exit 73; fi

say() { printf '%s %s\n' "$nonce" "$*"; }
newline='
'
# A command that was cut off must not be acted upon: the end of the input ends the driver.
line() { IFS= read -r value || exit 0; }
has() { command -v "$1" >/dev/null 2>&1; }

# Whose the lock is. Who takes it over makes a link that is named after the owner before: a link is made once, so
# of two who take it over at the same time one goes on, and nobody takes it from an owner that is not one any more.
find_owner() {
  owner=$(readlink .aweigh/lock)
  while [ -L ".aweigh/lock-after-$owner" ]; do owner=$(readlink ".aweigh/lock-after-$owner"); done
}
# The text of our lock is the name of a file that only we made: where the two are one file, no process has to read it.
is_plainly_mine() { [ .aweigh/lock -ef ".aweigh/$me" ] && [ ! -L ".aweigh/lock-after-$me" ] && [ ! -e "$later" ]; }
mine() {
  if is_plainly_mine; then owner=$me; return 0; fi
  find_owner
  if [ -e "$later" ]; then owner="$owner, over a later line"; fi
  [ "$owner" = "$me" ] || { say holder "$owner"; return 75; }
}

# Only names of our own making are paths here: one part, no dot in front.
plain() { case $1 in '' | .* | -* | */*) return 1 ;; esac; }

# Whether `current` leads to the release $1, however the link is written.
is_live() { [ -d "releases/$1" ] && [ "releases/$1" -ef current ]; }

# The listing of the tree $2 by the names in the manifest $1: owner, group, kind and mode, size and time of everything in
# it. The last line cannot be written where the ones before did not fit.
listing() {
  (
    manifest=$here/$1
    cd "$2" || exit 76
    if [ -s "$manifest/dirs" ]; then xargs -0 stat -c '%u %g %f %n' -- <"$manifest/dirs"; fi
    if [ -s "$manifest/links" ]; then xargs -0 stat -c '%u %g %f %s %n' -- <"$manifest/links"; fi
    if [ -s "$manifest/files" ]; then xargs -0 stat -c '%u %g %f %s %Y %n' -- <"$manifest/files"; fi
    echo whole
  )
}

sealed() {
  [ -d "releases/$1" ] && [ ! -L "releases/$1" ] && [ -f ".aweigh/manifests/$1/seal" ] || return 76
  listing ".aweigh/manifests/$1" "releases/$1" 2>/dev/null | cmp -s - ".aweigh/manifests/$1/seal" || return 77
  if [ -f ".aweigh/manifests/$1/env" ]; then
    env_listing "$1" 2>/dev/null | cmp -s - ".aweigh/manifests/$1/env" || return 77
  fi
}

# The line of the file of variables of the release $1, as `listing` has one for each file of the tree.
env_listing() {
  IFS= read -r env_path <".aweigh/manifests/$1/env_path" || return 1
  (cd "releases/$1" && stat -c '%u %g %f %s %Y %n' -- "$env_path")
}
seal_env() {
  made=.aweigh/manifests/$1/env.${nonce#@}
  env_listing "$1" >"$made" && mv "$made" ".aweigh/manifests/$1/env" || { rm -f "$made"; return 70; }
}

# Puts the link text $1 in the place of `current` in one step.
point_current() {
  if [ -L "$next" ]; then rm -f "$next"; fi
  ln -s -- "$1" "$next" && mv -T "$next" current || return 70
}

# Free kilobytes where $1 is.
space() { say space "$(df -Pk "$1" | { read -r skip; read -r disk blocks used free rest; echo "$free"; })"; }

current_is_link() { [ -L current ] || [ ! -e current ] || return 79; }

# ------------------------------------------------------------------ acquire: the lock, and what is true here
# values: ended (a lock that this one may take), name, origin, linked files
do_acquire() {
  line; ended=$value; line; name=$value; line; origin=$value; line; count=$value
  missing=0
  while [ "$count" -gt 0 ]; do
    line; count=$((count - 1))
    [ -e "shared/$value" ] || { say missing "$value"; missing=71; }
  done
  if is_plainly_mine; then
    lock=mine
  elif ln -s "$me" .aweigh/lock 2>/dev/null; then
    lock=taken
  else
    before=
    find_owner
    # Somebody else may be faster, and may be one from whom it can be taken, too.
    while [ "$owner" != "$me" ] && [ "$owner" != "$before" ] && may_take "$owner"; do
      before=$owner
      ln -s "$me" ".aweigh/lock-after-$before"
      find_owner
    done
    # Nobody has it, and yet it cannot be made: the reason is said this time.
    if [ -z "$owner" ]; then ln -s "$me" .aweigh/lock || return 70; owner=$me; fi
    case $before in '' | "${me%:*}":*) lock=mine ;; *) lock=$before ;; esac
  fi
  if [ "$lock" = taken ] && [ ! -L ".aweigh/lock-after-$me" ]; then owner=$me; else mine || return 75; fi
  printf '' 2>/dev/null >".aweigh/$me"
  say lock "$lock"
  clear_incoming
  for tool in tar setsid stat xargs head cmp zstd gzip curl wget; do if has $tool; then say tool $tool; fi; done
  cd -P . && say root "$PWD"
  # Whose the files are that are made here.
  say owner "$(stat -c '%u %g' .aweigh/incoming)"
  facts "$name" "$origin"
  return $missing
}

# Whether the lock may be taken from $1: an earlier owner of the same release, or the release that has ended.
may_take() {
  plain "$1" || return 1
  if [ "${1%:*}" = "${me%:*}" ]; then
    [ "${1##*:}" -lt "${me##*:}" ] 2>/dev/null
  else
    [ -n "$ended" ] && [ "${1%:*}" = "${me%%:*}:$ended" ]
  fi
}

# What is true of this server: read at first contact and after a crash.
facts() {
  if [ -L current ]; then
    say kind link
    now=$(readlink current)
    say current "$now"
    if [ -d current/. ]; then say target yes; fi
    # What it was sealed as is what was sent: a release of the same artifact can share its files.
    live=${now#releases/}
    if plain "$live"; then
      live=.aweigh/manifests/$live
      if [ -f "$live/artifact" ] && { [ "$live/seal" -ef "$live/expected" ] || cmp -s "$live/seal" "$live/expected"; }; then
        IFS= read -r artifact <"$live/artifact"
        say base "$artifact"
      fi
    fi
  elif [ -e current ]; then
    say kind other
  fi
  if [ -f .aweigh/by-hand ]; then IFS= read -r hand <.aweigh/by-hand && say hand "$hand"; fi
  for dir in releases/*; do if [ -d "$dir" ]; then say release "${dir#releases/}"; fi; done
  if plain "$1" && [ -d "releases/$1" ] && [ -f ".aweigh/manifests/$1/expected" ]; then
    say staged yes
    if [ -f ".aweigh/manifests/$1/seal" ]; then say sealed yes; fi
  fi
  if plain "$2"; then
    if sealed "$2"; then say origin yes; fi
  fi
}

# values: name, origin
do_probe() {
  line; name=$value; line; origin=$value
  find_owner
  say holder "$owner"
  facts "$name" "$origin"
}

# ------------------------------------------------------------------ receive: a stream becomes a folder in releases/
# values: name, codec, base (a release whose files are hard links in the stream; empty for none), own (1: they may not
# stay shared), seal (1: nothing will change it, seal it now), linked dirs, linked files, size (empty: to the end of the
# input, which saves a process that copies every byte); then the stream
do_receive() {
  unread=yes into=
  # Nobody may listen any more when it is told what went wrong; a caught signal is none to what is started here.
  trap : PIPE
  take_in_release
  status=$?
  # What came is of no use, and the disk may be full of it.
  if [ $status -ne 0 ] && [ -n "$into" ]; then rm -rf "$into"; fi
  trap - PIPE
  return $status
}

take_in_release() {
  line; name=$value; line; codec=$value; line; base=$value; line; own=$value; line; seal=$value
  line; dirs=$value
  plain "$name" || return 64
  mine || return 75
  # Whoever began it over an earlier line may still be at work: it goes on in the trash, and each has a folder of its own.
  for old in ".aweigh/incoming/$name".*; do
    if [ -e "$old" ]; then mv "$old" ".aweigh/trash/${old##*/}-$$"; empty_trash; fi
  done
  into=.aweigh/incoming/$name.${nonce#@}
  mkdir "$into" || return 70
  printf '' >"$into/linked_dirs" && printf '' >"$into/linked_files" || return 70
  while [ "$dirs" -gt 0 ]; do line; dirs=$((dirs - 1)); printf '%s\n' "$value" >>"$into/linked_dirs"; done
  line; files=$value
  while [ "$files" -gt 0 ]; do line; files=$((files - 1)); printf '%s\n' "$value" >>"$into/linked_files"; done
  line; size=$value
  mine || return 75
  if [ -n "$base" ]; then
    plain "$base" && [ -d "releases/$base" ] && [ ! -L "releases/$base" ] || return 76
    ln -s "../../../releases/$base" "$into/base" || return 70
  fi
  case $codec in zstd | gzip) ;; *) return 64 ;; esac
  # A pipe tells only the end of its last part; here each part that fails says so. A full disk cannot hide it.
  failed=$({
    if [ -n "$size" ]; then head -c "$size" | unpack; else unpack; fi
  } 3>&1)
  # A tool that failed may not have ended its line.
  if [ -n "$failed" ]; then echo; space "$into"; return 70; fi
  unread=
  if [ -n "$base" ] && [ "$own" = 1 ]; then take_apart || return 70; fi
  while IFS= read -r dir; do link_dir "$dir" || return 70; done <"$into/linked_dirs"
  while IFS= read -r file; do link_file "$file" || return $?; done <"$into/linked_files"
  listing "$into/manifest" "$into/tree" 2>/dev/null | cmp -s - "$into/manifest/expected" || {
    listing "$into/manifest" "$into/tree" 2>&1 | cmp - "$into/manifest/expected"
    return 76
  }
  # Nothing will change it: what was expected is its seal.
  if [ "$seal" = 1 ]; then ln "$into/manifest/expected" "$into/manifest/seal" || return 70; fi
  mine || return 75
  # A release that is staged anew; what is live is never taken away.
  if is_live "$name"; then return 78; fi
  if [ -e "releases/$name" ] || [ -L "releases/$name" ]; then mv "releases/$name" ".aweigh/trash/$name-$$" || return 70; fi
  if [ -e ".aweigh/manifests/$name" ]; then rm -rf ".aweigh/manifests/$name"; fi
  # It is staged when both are there: `releases` may be on another disk, where moving is copying.
  mv -T "$into/tree" "releases/$name" && mv -T "$into/manifest" ".aweigh/manifests/$name" || return 70
  rm -rf "$into"
}

# What those before us left in the middle of it. Ours may have been left by ourselves, before the line was cut.
clear_incoming() {
  for old in .aweigh/incoming/*; do
    case $old in ".aweigh/incoming/$name".*) continue ;; esac
    if [ -e "$old" ] || [ -L "$old" ]; then mv "$old" ".aweigh/trash/${old##*/}-$$"; fi
  done
  empty_trash
}

# Removing may take long; nobody waits for it.
empty_trash() {
  set -- .aweigh/trash/*
  if [ -e "$1" ] || [ -L "$1" ]; then
    setsid sh -c 'for gone in .aweigh/trash/*; do rm -rf "$gone"; done' </dev/null >/dev/null 2>&1 &
  fi
}

# Unpacks its standard input.
unpack() { { "$codec" -dcq || echo "$codec" >&3; } | tar -xpof - -C "$into" >&2 || echo tar >&3; }

# Gives the tree files of its own, by one process; where the file system can, they share what nobody changes.
take_apart() {
  cp -a --reflink=auto "$into/tree" "$into/own" 2>/dev/null ||
    { rm -rf "$into/own" && cp -a "$into/tree" "$into/own"; } || return 70
  rm -rf "$into/tree" && mv "$into/own" "$into/tree"
}

# The way from a path inside the release to shared/: one step up per part, and two for releases/NAME.
up() {
  rest=$1 way=../../
  while [ "${rest#*/}" != "$rest" ]; do rest=${rest#*/} way=../$way; done
}

link_dir() {
  mkdir -p "shared/$1" 2>/dev/null || return 70
  if [ -d "$into/tree/$1" ] && [ ! -L "$into/tree/$1" ]; then
    # Filled once, from the release that brings it first: an empty folder of `shared` is still new.
    # Whole, or not at all: `shared` may be on another disk.
    if rmdir "shared/$1" 2>/dev/null; then
      rm -rf "shared/$1.aweigh"
      mv "$into/tree/$1" "shared/$1.aweigh" && mv -T "shared/$1.aweigh" "shared/$1" || return 70
    else rm -rf "$into/tree/$1"; fi
  fi
  place_link "$1"
}

link_file() {
  [ -e "shared/$1" ] || { say missing "$1"; return 71; }
  place_link "$1"
}

place_link() {
  rm -rf "$into/tree/$1"
  case $1 in */*) mkdir -p "$into/tree/${1%/*}" || return 70 ;; esac
  up "$1"
  ln -s "${way}shared/$1" "$into/tree/$1" || return 70
}

# The number by which the release $1 is known to be older or newer than another: the one behind the last dash, or the one
# that it was adopted with, below all others.
number_of() {
  number=${1##*-}
  if [ -f ".aweigh/manifests/$1/adopted" ]; then IFS= read -r number <".aweigh/manifests/$1/adopted"; fi
}

take_seal() {
  seal=.aweigh/manifests/$1/seal.${nonce#@}
  listing ".aweigh/manifests/$1" "releases/$1" >"$seal" 2>/dev/null || return 70
  # That took its time.
  mine || return 75
  # What staging hooks made of it.
  if [ -f ".aweigh/manifests/$1/env" ]; then seal_env "$1" || return 70; fi
  mv "$seal" ".aweigh/manifests/$1/seal" || return 70
}

# values: name
do_seal() {
  line; name=$value
  mine || return 75
  plain "$name" && [ -d "releases/$name" ] && [ ! -L "releases/$name" ] && [ -f ".aweigh/manifests/$name/expected" ] || return 76
  seal=
  take_seal "$name"
  status=$?
  if [ $status -ne 0 ]; then rm -f "$seal"; fi
  return $status
}

# ------------------------------------------------------------------ env_file: variables and secrets, as a file of the release
# values: name, path, size; then the text. It replaces what was written before under this name. A file of the tree is left
# alone, and so is a release that was good before: it keeps what it had.
do_env_file() {
  unread=yes
  line; name=$value; line; path=$value; line; size=$value
  new=.aweigh/incoming/env-${nonce#@}
  (umask 077 && head -c "$size" >"$new") || { rm -f "$new"; return 70; }
  [ "$(wc -c <"$new")" -eq "$size" ] || { rm -f "$new"; return 70; }
  unread=
  place_env
  status=$?
  rm -f "$new"
  return $status
}

place_env() {
  mine || return 75
  manifest=.aweigh/manifests/$name
  plain "$name" && [ -d "releases/$name" ] && [ ! -L "releases/$name" ] && [ -d "$manifest" ] || return 76
  if [ -f "$manifest/good" ]; then say kept yes; return 0; fi
  at=releases/$name rest=$path
  # The way to it is made of folders of this release.
  while [ "${rest#*/}" != "$rest" ]; do
    at=$at/${rest%%/*} rest=${rest#*/}
    if [ -L "$at" ]; then return 81; fi
    [ -d "$at" ] || mkdir "$at" || return 70
  done
  at=$at/$rest
  if [ -e "$at" ] || [ -L "$at" ]; then
    before=
    if [ -f "$manifest/env_path" ]; then IFS= read -r before <"$manifest/env_path"; fi
    [ "$before" = "$path" ] && [ -f "$at" ] && [ ! -L "$at" ] || return 81
  fi
  # Known as ours before it is there: whoever comes back may replace it.
  printf '%s\n' "$path" >"$manifest/env_path" && mv -T "$new" "$at" && seal_env "$name" || return 70
}

# ------------------------------------------------------------------ adopt: what another tool made becomes a release
# values: name, number (see `number_of`). Nothing inside the folder is changed. What its seal holds is what is there now.
do_adopt() {
  line; name=$value; line; number=$value
  mine || return 75
  plain "$name" && [ -d "releases/$name" ] && [ ! -L "releases/$name" ] || return 76
  new=.aweigh/incoming/$name.${nonce#@}
  if [ -e "$new" ]; then rm -rf "$new"; fi
  mkdir "$new" || return 70
  name_all "releases/$name" "$new" || return 70
  listing "$new" "releases/$name" >"$new/seal" || return 70
  printf '%s\n' "$number" >"$new/adopted" && printf '' >"$new/good" || return 70
  mine || return 75
  if [ -e ".aweigh/manifests/$name" ]; then rm -rf ".aweigh/manifests/$name"; fi
  mv -T "$new" ".aweigh/manifests/$name" || return 70
}

# values: name, library (the folder in which it stands, elsewhere). Gives `releases/` what it holds: the same files where
# that is one file system, else copies with owner, mode and time. What stands there stays, and may still run. What was
# brought before is brought anew where the library holds something else by now.
do_bring() {
  line; name=$value; line; library=$value
  mine || return 75
  plain "$name" && [ -d "$library/$name" ] && [ ! -L "$library/$name" ] || return 76
  new=.aweigh/incoming/$name.${nonce#@}
  if [ -e "$new" ]; then rm -rf "$new"; fi
  mkdir "$new" || return 70
  if [ -d "releases/$name" ] && [ ! -L "releases/$name" ] && is_same "$library/$name" "releases/$name" "$new"; then
    rm -rf "$new"
    return 0
  fi
  cp -al "$library/$name" "$new/tree" 2>/dev/null ||
    { rm -rf "$new/tree" && cp -a "$library/$name" "$new/tree"; } || { space "$new"; return 70; }
  name_all "$library/$name" "$new" || return 70
  listing "$new" "$library/$name" >"$new/seal" || return 70
  listing "$new" "$new/tree" 2>/dev/null | cmp -s - "$new/seal" || {
    echo "$library/$name could not be copied with owner, mode and time of everything in it"
    return 70
  }
  mine || return 75
  back=
  if [ -e "releases/$name" ] || [ -L "releases/$name" ]; then
    # What is live is never taken away: for that moment `current` leads to what the copy is made from.
    if is_live "$name"; then back=$(readlink current) && point_current "$library/$name" || return 70; fi
    # Its seal is that of the copy before.
    if [ -e ".aweigh/manifests/$name" ]; then rm -rf ".aweigh/manifests/$name"; fi
    rm -rf ".aweigh/trash/$name-$$"
    mv "releases/$name" ".aweigh/trash/$name-$$" || return 70
  fi
  mv -T "$new/tree" "releases/$name" || return 70
  if [ -n "$back" ]; then point_current "$back" || return 70; fi
  rm -rf "$new"
}

# The names of everything in the tree $1, as a manifest in the folder $2.
name_all() {
  for kind in d:dirs l:links f:files; do
    (cd "$1" && find . -type "${kind%:*}" -print0) >"$2/${kind#*:}" || return 70
  done
}

# Whether the trees $1 and $2 hold the same: the same names, and of each what a listing tells, and the text of every link.
# Notes about both are left in the folder $3.
is_same() {
  mkdir "$3/one" "$3/two" && name_all "$1" "$3/one" && name_all "$2" "$3/two" || return 1
  listing "$3/one" "$1" >"$3/listed" 2>/dev/null || return 1
  listing "$3/one" "$2" 2>/dev/null | cmp -s - "$3/listed" || return 1
  # What the first holds, the second holds too. Where its names are as long, it holds nothing else.
  [ "$(cat "$3/one/"* | wc -c)" -eq "$(cat "$3/two/"* | wc -c)" ] || return 1
  [ -s "$3/one/links" ] || return 0
  links "$3/one" "$1" >"$3/linked" || return 1
  links "$3/one" "$2" | cmp -s - "$3/linked"
}

# Where the links in the manifest $1 of the tree $2 lead.
links() {
  (
    names=$here/$1/links
    cd "$2" && xargs -0 stat -c %N -- <"$names"
  )
}

# values: name (the release that runs), before (the text of `current`), link (elsewhere; empty for none), its text, library
# (where the link leads to a folder of it, of which the release is a copy; else empty). From then on `current` is written as
# all our links are, and the other link leads to it. Readers see the same release throughout.
do_relink() {
  line; name=$value; line; before=$value; line; link=$value; line; outer=$value; line; library=$value
  mine || return 75
  plain "$name" && [ -d "releases/$name" ] && [ ! -L "releases/$name" ] || return 76
  current_is_link || return 79
  case $link in "~/"*) link=$HOME/${link#??} ;; esac
  to=$(pwd -P)/current
  # Since it was brought, others may have been waited for: a copy that is older than what runs must not take its place.
  if [ -n "$link" ] && [ -n "$library" ] && [ "$(readlink "$link")" != "$to" ]; then
    [ -d "$library/$name" ] || return 76
    [ "$link" -ef "$library/$name" ] || { say now "$(readlink "$link")"; return 78; }
    new=.aweigh/incoming/$name.${nonce#@}
    if [ -e "$new" ]; then rm -rf "$new"; fi
    mkdir "$new" || return 70
    is_same "$library/$name" "releases/$name" "$new" || { rm -rf "$new"; return 77; }
    rm -rf "$new"
    mine || return 75
  fi
  now=$(readlink current)
  if [ "$now" != "releases/$name" ]; then
    [ "$now" = "$before" ] || { say now "$now"; return 78; }
    if [ -z "$link" ] && ! is_live "$name"; then say now "$now"; return 78; fi
    point_current "releases/$name" || return 70
  fi
  if [ -n "$link" ]; then
    now=$(readlink "$link")
    if [ "$now" != "$to" ]; then
      [ -L "$link" ] && [ "$now" = "$outer" ] || { say now "$now"; return 78; }
      if [ -L "$link.aweigh" ]; then rm -f "$link.aweigh"; fi
      ln -s -- "$to" "$link.aweigh" && mv -T "$link.aweigh" "$link" || return 70
    fi
  fi
  say now "releases/$name"
}

# ------------------------------------------------------------------ activate, undo: compare and swap of `current`
# values: name, before (the link's text at first contact; empty for no link)
do_activate() {
  line; name=$value; line; before=$value
  mine || return 75
  plain "$name" || return 64
  current_is_link || return 79
  now=$(readlink current)
  if [ "$now" = "releases/$name" ]; then forget_hand; say now "$now"; return 0; fi
  [ "$now" = "$before" ] || { say now "$now"; return 78; }
  sealed "$name" || return $?
  # That took its time: whoever took the lock meanwhile, or moved the link, was faster.
  mine || return 75
  now=$(readlink current)
  [ "$now" = "$before" ] || { say now "$now"; return 78; }
  point_current "releases/$name" || return 70
  forget_hand
  say now "releases/$name"
}

# What a person switched by hand is over with the next release.
forget_hand() { if [ -f .aweigh/by-hand ]; then rm -f .aweigh/by-hand; fi; }

# values: name, before, spoiled (a release that is not good after all; empty for none)
do_undo() {
  line; name=$value; line; before=$value; line; spoiled=$value
  mine || return 75
  if plain "$spoiled" && [ -f ".aweigh/manifests/$spoiled/good" ]; then rm -f ".aweigh/manifests/$spoiled/good"; fi
  current_is_link || return 79
  now=$(readlink current)
  if [ "$now" != "$before" ]; then
    [ "$now" = "releases/$name" ] || { say now "$now"; return 78; }
    # Better a release that failed than none.
    case $before in releases/*) [ -d "$before" ] || { echo "$before is gone"; return 76; } ;; esac
    if [ -n "$before" ]; then point_current "$before" || return 70; else rm -f current || return 70; fi
  fi
  say now "$(readlink current)"
}

# ------------------------------------------------------------------ hooks: started once, followed from any byte
# values: run, folder, variables, secrets, program (through which it is started; empty for none) and what that is told,
# size; then the text. Secrets are in a file for as long as it takes to read it.
do_hook() {
  unread=yes new=
  take_hook
  status=$?
  # What did not become a run.
  if [ -n "$new" ]; then rm -rf "$new"; fi
  return $status
}

take_hook() {
  line; run=$value; line; cwd=$value; line; count=$value
  case $run in '' | .* | */.* | /*) return 64 ;; esac
  dir=$here/.aweigh/runs/$run
  new=$dir.$nonce
  mkdir -p "$new" && printf '' >"$new/env" && printf '' >"$new/log" || return 70
  while [ "$count" -gt 0 ]; do line; count=$((count - 1)); printf '%s\n' "$value" >>"$new/env" || return 70; done
  # Not in the environment of what is started here, whatever the login put there.
  unset secrets
  line; count=$value secrets=
  while [ "$count" -gt 0 ]; do line; count=$((count - 1)) secrets=$secrets$value$newline; done
  line; through=$value; line
  if [ -n "$through" ]; then
    printf '%s\n' "$through" >"$new/through" && printf '%s\n' "$value" >"$new/walls" || return 70
  fi
  line
  head -c "$value" >"$new/script" || return 70
  unread=
  [ "$(wc -c <"$new/script")" -eq "$value" ] || return 70
  # A stale owner must not start anything, nor read a secret.
  mine || return 75
  [ -d "$cwd" ] || { say gone "$cwd"; return 76; }
  # The last that is written: a driver that is killed before leaves no secret behind.
  if [ -n "$secrets" ]; then (umask 077 && printf '%s' "$secrets" >"$new/secrets") || return 70; secrets=; fi
  mine || return 75
  # Giving the folder its name is what starts the run: it works once, for it is never empty.
  if ! mv -T "$new" "$dir" 2>/dev/null; then say run again; return 0; fi
  new=
  setsid sh "$here/$driver" run "$dir" "$cwd" </dev/null >>"$dir/log" 2>&1 &
  say run started
}

# values: run, offset. Answers "log N" and N bytes, as often as there is something, then "exit CODE" or "lost yes".
do_follow() {
  line; run=$value; line; offset=$value
  dir=.aweigh/runs/$run nap=0.02 waited=0 starting=0
  [ -d "$dir" ] || return 80
  while :; do
    over=
    # Asked before the length, so that the last bytes are in the length.
    if [ -f "$dir/exit" ]; then over=exited
    elif gone; then if [ -f "$dir/exit" ]; then over=exited; else over=lost; fi; fi
    # What was asked to end has ended when nothing of it is left: whoever asked may still have to kill it.
    if [ -n "$over" ] && [ -f "$dir/term" ] && any_left; then over=; fi
    size=$(wc -c <"$dir/log" 2>/dev/null) || size=0
    size=$((size + 0))
    if [ "$size" -gt "$offset" ]; then
      part=$((size - offset))
      if [ $part -gt 262144 ]; then part=262144; fi
      say log $part
      tail -c +$((offset + 1)) "$dir/log" | head -c $part
      offset=$((offset + part))
      nap=0.02
      continue
    fi
    if [ -n "$over" ]; then break; fi
    sleep $nap 2>/dev/null || sleep 1
    case $nap in 0.02) nap=0.05 ;; 0.05) nap=0.1 ;; *) nap=0.2 ;; esac
    # A sign of life, so that silence means a dead line.
    waited=$((waited + 1))
    if [ $waited -ge 25 ]; then waited=0; say alive yes; fi
  done
  # Where it was killed before it had read them.
  rm -f "$dir/secrets"
  if [ $over = exited ]; then say exit "$(cat "$dir/exit")"; else say lost yes; fi
}

# Whether the run of $dir has no process any more. Without a pid it may just be starting.
gone() {
  if [ ! -f "$dir/pid" ]; then
    starting=$((starting + 1))
    [ $starting -gt 100 ]
  else
    ! alive
  fi
}

# The process of the run of $dir, $leader, and when it was $born.
find_leader() {
  leader=$(cat "$dir/pid") born=
  if [ -s "$dir/born" ]; then read -r born <"$dir/born"; fi
}

# Whether the process of the run of $dir runs. One that has ended and that nobody collects, as in many containers, does not.
alive() {
  find_leader
  kill -0 "$leader" 2>/dev/null || return 1
  { read -r stat <"/proc/$leader/stat"; } 2>/dev/null || return 0
  case ${stat##*) } in Z*) return 1 ;; esac
  is_its_own
}

# Whether $stat is that of the process that was $born, and not of a stranger who has its number since.
is_its_own() { [ -z "$born" ] || [ "$(born_of "$stat")" = "$born" ]; }

# What runs of the session of $dir, in whatever group of it: $found; or its group, where /proc does not tell.
members() {
  find_leader
  found=
  if [ ! -r /proc/self/stat ]; then
    if kill -0 "-$leader" 2>/dev/null; then found=-$leader; fi
    return 0
  fi
  # As long as something of a session runs, its number is given to nobody else.
  if { read -r stat <"/proc/$leader/stat"; } 2>/dev/null && ! is_its_own; then return 0; fi
  for stat in /proc/[0-9]*/stat; do
    number=${stat#/proc/} number=${number%/stat}
    { read -r stat <"$stat"; } 2>/dev/null || continue
    # Behind the name, which may hold anything: state, parent, group, session.
    set -- ${stat##*) }
    if [ "${4:-}" = "$leader" ] && [ "$1" != Z ]; then found="$found $number"; fi
  done
}

# Whether anything of the run of $dir runs.
any_left() { members; [ -n "$found" ]; }

# Sends the signal $1 to all of it.
signal() {
  members
  if [ -n "$found" ]; then kill "-$1" $found 2>/dev/null; fi
}

# Kills all of it, and what was started meanwhile.
kill_all() {
  kills=0
  while any_left && [ $kills -lt 10 ]; do kills=$((kills + 1)); signal KILL; done
}

# values: run. What became of it: "exit CODE", "running yes", or "unknown yes" when it began and nobody knows.
do_state() {
  line; run=$value
  dir=.aweigh/runs/$run
  [ -d "$dir" ] || return 80
  if [ -f "$dir/exit" ]; then say exit "$(cat "$dir/exit")"
  elif [ -f "$dir/pid" ] && alive; then say running yes
  elif [ -f "$dir/exit" ]; then say exit "$(cat "$dir/exit")"
  else say unknown yes; fi
}

# Waits a moment for the pid of the run of $dir, which may just be starting; all of $waits together a second.
wait_for_pid() {
  while [ -d "$dir" ] && [ ! -f "$dir/pid" ] && [ ! -f "$dir/exit" ] && [ $waits -lt 10 ]; do
    waits=$((waits + 1))
    sleep 0.1 2>/dev/null || sleep 1
  done
}

# values: run, signal. Signals the whole session; answers whether anything of it is left.
do_kill() {
  line; run=$value; line; signal=$value
  dir=.aweigh/runs/$run waits=0
  wait_for_pid
  [ -f "$dir/pid" ] || return 80
  case $signal in
    TERM) printf '' >"$dir/term"; signal TERM ;;
    KILL) kill_all; rm -f "$dir/term" ;;
    *) : ;;
  esac
  if any_left; then say left yes; fi
  return 0
}

# values: the release for whose sake. Ends every hook of another one that still runs: TERM, two seconds, KILL. Answers
# "ended RUN" for each. What a hook that has ended left running is the application, and stays.
do_halt() {
  line; release=$value
  plain "$release" || return 64
  waits=0
  set --
  for dir in .aweigh/runs/*/*; do
    # What is still written down bears a nonce.
    case $dir in ".aweigh/runs/$release"/* | *@*) continue ;; esac
    wait_for_pid
    [ -f "$dir/pid" ] && [ ! -f "$dir/exit" ] && any_left || continue
    printf '' >"$dir/term"
    signal TERM
    set -- "$@" "$dir"
  done
  tries=0
  for dir; do
    while any_left && [ $tries -lt 20 ]; do tries=$((tries + 1)); sleep 0.1 2>/dev/null || sleep 1; done
    kill_all
    rm -f "$dir/term"
    say ended "${dir#.aweigh/runs/}"
  done
}

# ------------------------------------------------------------------ health without a forwarded port
# values: seconds, url
do_http() {
  line; seconds=$value; line; url=$value
  if has curl; then
    say answer "$(curl -sS -o /dev/null -w '%{http_code}' --max-time "$seconds" -- "$url" 2>&1)"
  elif has wget; then
    if why=$(wget -q -T "$seconds" -O /dev/null -- "$url" 2>&1); then say answer 200; else say answer "$why"; fi
  else
    return 69
  fi
}

# ------------------------------------------------------------------ the end
# values: the release that is good now, a line for revisions.log, names of releases to remove
do_prune() {
  line; name=$value; line; note=$value; line; count=$value
  mine && ours=yes || ours=
  if [ -n "$ours" ]; then
    # By hand one goes back to what was good, not to what was only complete.
    if plain "$name" && [ -d ".aweigh/manifests/$name" ]; then printf '' >".aweigh/manifests/$name/good"; fi
    # An answer may be lost, and the same be asked once more.
    if [ -n "$note" ] && [ ! -e ".aweigh/$me.noted" ]; then
      printf '%s\n' "$note" >>revisions.log && printf '' >".aweigh/$me.noted"
    fi
  fi
  while [ "$count" -gt 0 ]; do
    line; count=$((count - 1))
    # Removing takes its time: who takes the lock meanwhile may need what is next.
    [ -n "$ours" ] && mine >/dev/null && plain "$value" && ! is_live "$value" || continue
    if [ -d "releases/$value" ]; then mv "releases/$value" ".aweigh/trash/$value-$$" && say removed "$value"; fi
    set -- ".aweigh/manifests/$value"
    # The folder of its hooks bears its number; one that was adopted ran none.
    number_of "$value"
    if plain "$number"; then set -- "$@" ".aweigh/runs/$number"; fi
    rm -rf "$@"
  done
  [ -n "$ours" ] && mine || return 75
  # Other drivers, and the marks of owners that ended without a word.
  for old in .aweigh/driver-* .aweigh/*:*; do
    case $old in "$driver" | ".aweigh/$me" | ".aweigh/$me".* | *lock-after-*) ;; *) if [ -f "$old" ]; then rm -f "$old"; fi ;; esac
  done
  # A link whose driver was killed before it had its place. By hand somebody may just be making one.
  for old in .aweigh/next-*; do
    case $old in *-by-hand-*) ;; *) if [ -L "$old" ]; then rm -f "$old"; fi ;; esac
  done
  # Where a driver was killed while it removed a release.
  for old in .aweigh/manifests/*; do if [ ! -e "releases/${old##*/}" ]; then rm -rf "$old"; fi; done
  # Rollbacks and the like have hooks and no folder: what these left goes with the next release.
  own=${me%:*} own=${own##*:}
  for old in .aweigh/runs/*; do
    number=${old##*/}
    case $number in "$own" | *[!0-9]*) continue ;; esac
    set -- releases/*-"$number"
    if [ ! -e "$1" ]; then mv "$old" ".aweigh/trash/runs-$number-$$"; fi
  done
  empty_trash
  return 0
}

# Gives the lock back; a lock of somebody else is left alone.
do_unlock() {
  mine >/dev/null || return 0
  if ! is_plainly_mine; then owner=$(readlink .aweigh/lock); fi
  rm -f .aweigh/lock ".aweigh/$me" ".aweigh/$me".*
  # It is free; the links through which it came to us mean nothing any more.
  while [ "$owner" != "$me" ]; do
    before=$owner
    owner=$(readlink ".aweigh/lock-after-$before") || break
    rm -f ".aweigh/lock-after-$before"
  done
  return 0
}

# ------------------------------------------------------------------ by hand, with Aweigh gone
by_hand() {
  current_is_link || { echo "current is a real file or folder, not a link; move it away first"; return 79; }
  now=$(readlink current)
  live=${now#releases/}
  if [ -z "$wanted" ]; then
    # The newest good one that is sealed and older than what is live.
    number_of "$live"
    before=$number good= best= sealed=
    for dir in releases/*; do
      name=${dir#releases/}
      number_of "$name"
      [ -d "$dir" ] && [ -f ".aweigh/manifests/$name/seal" ] && [ "$number" -lt "$before" ] 2>/dev/null || continue
      if [ "$number" -gt "${best:-$number}" ] || [ -z "$best" ]; then best=$number sealed=$name; fi
      [ -f ".aweigh/manifests/$name/good" ] || continue
      if [ "$number" -gt "${good:-$number}" ] || [ -z "$good" ]; then good=$number wanted=$name; fi
    done
    if [ -z "$wanted" ] && [ -n "$sealed" ]; then
      wanted=$sealed
      echo "warning: no earlier release here is known to have been good; $wanted is the newest that is complete"
    fi
    [ -n "$wanted" ] || { echo "there is no earlier release here; name one: ls releases"; return 76; }
  fi
  plain "$wanted" && [ -d "releases/$wanted" ] || { echo "there is no release $wanted here: ls releases"; return 76; }
  sealed "$wanted" || echo "warning: $wanted is not what it was when it was sealed"
  find_owner
  if [ -n "$owner" ]; then echo "warning: $owner holds the lock; if that Aweigh still runs, it may switch again"; fi
  point_current "releases/$wanted" || return 70
  # The file has its time; a server's clock is not asked for more.
  who="by hand, by $(id -un 2>/dev/null)"
  printf '%s\n' "$who" >.aweigh/by-hand
  printf 'rolled back to release %s %s\n' "$wanted" "$who" >>revisions.log
  echo "current now leads to releases/$wanted (it was ${now:-nothing})"
  echo "Nothing was restarted. What your releases run after a switch:"
  number_of "$wanted"
  ls -d ".aweigh/runs/$number"/*after_activate*/script 2>/dev/null || echo "  nothing that is kept here"
}

if [ "$mode" = rollback ]; then
  by_hand
  exit $?
fi

say hello
# Who speaks: INSTALLATION:RELEASE:EPOCH, and the number of its line where others were before. It comes after the greeting,
# since the boot line may read ahead.
IFS= read -r me || exit 0
case $me in *' '*) turn=${me#* } me=${me%% *} ;; *) turn=0 ;; esac
# A server may notice much later that a line was cut. What was said over it and is not done yet must not be done any more:
# who comes later leaves a mark, which those before look for ($later).
later=1
while [ $later -le "$turn" ]; do
  if [ ! -e ".aweigh/$me.$later" ]; then printf '' 2>/dev/null >".aweigh/$me.$later"; fi
  later=$((later + 1))
done
later=.aweigh/$me.$later
while IFS= read -r verb; do
  case $verb in
    acquire | probe | receive | seal | env_file | adopt | bring | relink | activate | undo | hook | follow | state | kill | halt | http | prune | unlock)
      unread=
      "do_$verb"
      status=$?
      # So that the answer begins a line, whatever a tool said last.
      echo
      say end $status
      # What was not read of a stream or a text is not commands.
      if [ -n "$unread" ]; then exit 0; fi
      ;;
    *) say end 64; exit 64 ;;
  esac
done
