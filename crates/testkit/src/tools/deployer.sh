# What Deployer 7 does on a server, in its order: setup, lock, release, update_code, shared, symlink, unlock.
# In the working folder: NAME COMMIT TREE. Links are relative, as Deployer writes them where `ln` can.
set -eu
name=$1 commit=$2 tree=$3
mkdir -p .dep releases shared/log
[ -e shared/.env ] || echo "A=1" >shared/.env
echo ann >.dep/deploy.lock
if [ -h release ]; then rm -rf "$(readlink release)" release; fi
echo "$name" >.dep/latest_release
# Its clock is not that of this machine: one second a release.
touch .dep/releases_log
printf '{"created_at":"2024-11-20T10:45:%02d+0000","release_name":"%s","user":"ann","target":"HEAD"}\n' \
  "$(wc -l <.dep/releases_log)" "$name" >>.dep/releases_log
mkdir -p "releases/$name"
ln -nfs "releases/$name" release
cp -R "$tree/." "releases/$name"
if [ -n "$commit" ]; then printf '%s\n' "$commit" >"releases/$name/REVISION"; fi
ln -nfs "../../shared/.env" "releases/$name/.env"
rm -rf "releases/$name/log"
ln -nfs "../../shared/log" "releases/$name/log"
# A deploy that fails in the middle leaves its folder and the link to it.
if [ "${4:-}" = fails ]; then rm -f .dep/deploy.lock; exit 0; fi
mv -T release current
rm -f .dep/deploy.lock
