# What Capistrano 3 does on a server, in its order: check, update, symlink:shared, symlink:release, log_revision.
# In the working folder: NAME COMMIT TREE. Links are absolute, as Capistrano writes them.
set -eu
name=$1 commit=$2 tree=$3
root=$(pwd -P)
mkdir -p shared releases shared/log repo
[ -e shared/.env ] || echo "A=1" >shared/.env
mkdir "releases/$name"
cp -R "$tree/." "releases/$name"
printf '%s\n' "$commit" >"releases/$name/REVISION"
ln -s "$root/shared/.env" "releases/$name/.env"
rm -rf "releases/$name/log"
ln -s "$root/shared/log" "releases/$name/log"
# A deploy that fails in the middle leaves its folder, and no word in the log.
if [ "${4:-}" = fails ]; then exit 0; fi
ln -s "$root/releases/$name" releases/current
mv releases/current "$root"
echo "Branch main (at $commit) deployed as release $name by ann" >>revisions.log
