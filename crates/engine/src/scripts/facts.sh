# What a machine is and what is on it, without a trace. It reads no value.
#
# Answers lines "@key value", the last one "@whole". What a machine does not know it does not say.

unset CDPATH
LC_ALL=C
export LC_ALL
say() { printf '@%s %s\n' "$1" "$2"; }
# The first lines of what a tool says of itself. busybox knows no --version, and tells its own with the usage.
version() { "$1" --version </dev/null 2>&1 | head -n 4 | tr '\n' ' '; }
works() {
  name=$1
  shift
  if "$@" >/dev/null 2>&1; then say works "$name"; fi
}

say now "$(date +%s)"
say user "$(id -un)"
entry=$(getent passwd "$(id -u)" 2>/dev/null || grep "^$(id -un):" /etc/passwd 2>/dev/null)
say shell "${entry##*:}"
say kernel "$(uname -sr)"
say architecture "$(uname -m)"
say os "$(sed -n 's/^PRETTY_NAME=//p' /etc/os-release 2>/dev/null | tr -d \")"
say cpus "$(getconf _NPROCESSORS_ONLN 2>/dev/null || nproc 2>/dev/null)"
while read -r key kilobytes rest; do
  case $key in
    MemTotal:) say memory "$kilobytes" ;;
    MemAvailable:) say memory_free "$kilobytes" ;;
  esac
done 2>/dev/null </proc/meminfo
say disk "$(df -Pk / 2>/dev/null | { read -r head; read -r name total used free rest; echo "$total $free"; })"
{ read -r seconds rest && say uptime "${seconds%%.*}"; } 2>/dev/null </proc/uptime
zone=$(readlink -f /etc/localtime 2>/dev/null)
case $zone in
  */zoneinfo/*) zone=${zone#*/zoneinfo/} ;;
  *) zone= ;;
esac
say zone "$zone $(date +%z)"
for tool in tar setsid stat xargs head cmp zstd gzip curl wget sudo systemctl; do
  path=$(command -v $tool) || continue
  say tool "$tool $path"
  say version "$tool $(version $tool)"
done
# The options that a release needs; systems that are not Linux lack them.
works stat stat -c %u /
works xargs sh -c 'printf "x\0" | xargs -0 echo'
works head sh -c 'printf x | head -c 1'
works tar true
works setsid setsid true
works cmp cmp -s /dev/null /dev/null
say whole ''
