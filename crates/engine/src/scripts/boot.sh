umask 022; LC_ALL=C; export LC_ALL;
IFS= read -r root || exit 0;
case "$root" in "~/"*) root="$HOME/${root#??}";; esac;
test -L "$root/.aweigh" && { echo "@$3 bad .aweigh is a link: put a folder in its place"; exit 73; };
test -w "$root/.aweigh" || { why=$(mkdir -p "$root/.aweigh" 2>&1) && why=$(chmod 700 "$root/.aweigh" 2>&1); } && cd "$root" || { echo "@$3 bad $why"; exit 73; };
test -O .aweigh || { echo "@$3 bad .aweigh in $PWD belongs to another user: find out who made it, and remove it"; exit 73; };
case $(stat -c %a .) in *[2367]) echo "@$3 bad $PWD may be written to by every user: chmod o-w it"; exit 73;; esac;
driver=.aweigh/driver-$1;
test -f $driver && test $(wc -c < $driver) -eq $2 || { echo "@$3 need"; while IFS= read -r line; do test "$line" = "@$3 driver" && break; done; head -c $2 > $driver.$3 && test $(wc -c < $driver.$3) -eq $2 && mv $driver.$3 $driver || { why=$({ echo no room for the driver; : > $driver.$3; } 2>&1 | tail -n 1); echo "@$3 bad $why"; exit 73; }; };
exec sh $driver serve $3
