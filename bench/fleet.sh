# shellcheck shell=bash
# A fleet of real sshd on loopback, each with its own port, host key, configuration and $HOME. Sourced by `run`.
#
# Below `$fleet`: server-N/{config,log,host-key,home}, client-key, and ssh_config for the shell (hosts h1, h2, …).

: "${fleet:=}"
# The process that runs each sshd, and its port, by number of the server.
listeners=()
ports=()
# What each sshd runs under.
shield=()

# Starts servers 1 to $1 and waits until they listen.
fleet_start() {
  local n
  sshd=$(PATH=$PATH:/usr/sbin:/sbin command -v sshd)
  # Debian's sshd wants its empty folder, which its service makes.
  if [ "$(id -u)" = 0 ]; then mkdir -p /run/sshd; fi
  mkdir -p "$fleet"
  shield_find
  ssh-keygen -q -t ed25519 -N '' -C bench -f "$fleet/client-key"
  for ((n = 1; n <= $1; n++)); do
    mkdir -p "$fleet/server-$n/home"
    ssh-keygen -q -t ed25519 -N '' -C "h$n" -f "$fleet/server-$n/host-key"
    server_spawn "$n"
  done
  for ((n = 1; n <= $1; n++)); do server_wait "$n"; done
  client_config "$1"
}

# A process namespace of its own for each sshd: whatever a session leaves behind becomes a child of this sshd, so
# its CPU time is counted, and ends with it. Where the system offers none, there is none.
shield_find() {
  local way=(unshare --pid --fork --kill-child)
  if [ "$(id -u)" != 0 ]; then way+=(--map-current-user); fi
  if "${way[@]}" true 2>/dev/null; then shield=("${way[@]}"); fi
}

# Starts server $1 on a port that is probably free, below those that the kernel gives to clients.
server_spawn() {
  local folder=$fleet/server-$1
  ports[$1]=$((10000 + (RANDOM * 32768 + RANDOM) % 22000))
  cat >"$folder/config" <<CONFIG
ListenAddress 127.0.0.1
Port ${ports[$1]}
HostKey $folder/host-key
AuthorizedKeysFile $fleet/client-key.pub
PidFile none
UsePAM no
UseDNS no
StrictModes no
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
MaxStartups 1000
PrintMotd no
PrintLastLog no
SetEnv HOME=$folder/home
CONFIG
  : >"$folder/log"
  "${shield[@]}" "$sshd" -D -e -f "$folder/config" </dev/null >"$folder/log" 2>&1 &
  listeners[$1]=$!
}

# Waits until server $1 listens; takes another port when somebody else has this one.
server_wait() {
  local log=$fleet/server-$1/log tries
  for ((tries = 0; tries < 600; tries++)); do
    if grep -q '^Server listening on' "$log"; then return 0; fi
    if ! kill -0 "${listeners[$1]}" 2>/dev/null; then
      grep -q 'Address already in use' "$log" || break
      server_spawn "$1"
    fi
    sleep 0.05
  done
  fail "sshd does not start: $(tail -n 3 "$log")"
}

# What a user of ssh has: an alias per server, and the host keys pinned.
client_config() {
  local n
  for ((n = 1; n <= $1; n++)); do
    printf '[127.0.0.1]:%s %s\n' "${ports[$n]}" "$(host_key "$n")" >>"$fleet/known_hosts"
    printf 'Host h%s\n  Port %s\n' "$n" "${ports[$n]}"
  done >"$fleet/ssh_config"
  cat >>"$fleet/ssh_config" <<CONFIG
Host *
  HostName 127.0.0.1
  User $(id -un)
  IdentityFile $fleet/client-key
  IdentitiesOnly yes
  UserKnownHostsFile $fleet/known_hosts
  GlobalKnownHostsFile /dev/null
  BatchMode yes
  LogLevel ERROR
CONFIG
}

# The public host key of server $1, as it is pinned.
host_key() { cut -d ' ' -f 1,2 "$fleet/server-$1/host-key.pub"; }

# Waits, not for long, until the sessions of all servers have ended, so that nothing of them is charged to the next run.
fleet_settle() {
  local tries idle=0
  # Below a shield stands sshd itself.
  if [ ${#shield[@]} != 0 ]; then idle=${#listeners[@]}; fi
  for ((tries = 0; tries < 40; tries++)); do
    if [ "$(descendants "${listeners[@]}" | wc -l)" = "$idle" ]; then return 0; fi
    sleep 0.05
  done
}

# Empties the servers 1 to $1.
fleet_wipe() {
  local n
  for ((n = 1; n <= $1; n++)); do rm -rf "$fleet/server-$n/home/site"; done
}

# Ends exactly what was started here.
fleet_stop() {
  if [ ${#listeners[@]} = 0 ]; then return 0; fi
  # KILL, since a shield waits for sshd instead of passing a polite signal on; sshd dies with its shield.
  kill -KILL "${listeners[@]}" 2>/dev/null || true
  wait "${listeners[@]}" 2>/dev/null || true
  listeners=()
}
