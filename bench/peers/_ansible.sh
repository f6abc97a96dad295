# shellcheck shell=bash
# What the peers ansible, ansible-mitogen and ansible-sync have in common; sourced with
#   play        the file of the playbook
#   module      the module of `exec`
#   part        a folder of the virtualenv that has to be there
#   defaults    more lines of the configuration
# One fork per server, pipelining, connections that stay open within a call.
# shellcheck source=_shell.sh
. "$BENCH_HERE/peers/_shell.sh"
: "${play:=release.yml}" "${module:=command}" "${part:=}" "${defaults:=}"
bin=$BENCH_PEERS/ansible/bin
inventory=$BENCH_WORK/inventory
export ANSIBLE_CONFIG=$BENCH_WORK/ansible.cfg ANSIBLE_HOME=$BENCH_WORK/.ansible

# The folder of a Python package in the virtualenv.
package() { echo "$BENCH_PEERS"/ansible/lib/python3*/site-packages/"$1"; }

write_inventory() {
  local host
  printf '[all:vars]\nansible_ssh_common_args=-F %s\nansible_python_interpreter=/usr/bin/python3\n[all]\n' "$BENCH_SSH_CONFIG"
  for host in $(hosts); do echo "$host home=$BENCH_FLEET/$host/home"; done
}

write_configuration() {
  cat <<CONFIG
[defaults]
forks = $BENCH_PAR
host_key_checking = False
gathering = explicit
interpreter_python = /usr/bin/python3
deprecation_warnings = False
$defaults
[ssh_connection]
pipelining = True
ssh_args = -o ControlMaster=auto -o ControlPersist=60s
control_path_dir = $BENCH_WORK/open
CONFIG
}

# Every timed call begins with cold connections.
close_connections() {
  local socket
  for socket in "$BENCH_WORK"/open/*; do
    if [ -S "$socket" ]; then ssh -o ControlPath="$socket" -O exit h1 2>/dev/null || true; fi
  done
}

case $1 in
  check)
    [ -x "$bin/ansible-playbook" ] || { echo "ansible is missing in $BENCH_PEERS"; exit 1; }
    if [ -n "$part" ] && [ ! -d "$(package "$part")" ]; then echo "$part is missing in $BENCH_PEERS"; exit 1; fi
    "$bin/ansible" --version | sed -n 1p ;;
  prepare)
    mkdir -p "$BENCH_WORK/open"
    write_inventory >"$inventory"
    write_configuration >"$ANSIBLE_CONFIG"
    close_connections ;;
  deploy) exec "$bin/ansible-playbook" -i "$inventory" "$BENCH_HERE/peers/playbooks/$play" ;;
  exec) exec "$bin/ansible" all -i "$inventory" -m "ansible.builtin.$module" -a true ;;
  clean) close_connections ;;
esac
