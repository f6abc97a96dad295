# What Spug 3 does on a server: it unpacks into the repositories and makes the target a link.
# In the working folder: NAME COMMIT TREE. The repositories are `library`, the target `www`; nothing tells the commit.
set -eu
name=$1 tree=$3
root=$(pwd -P)
mkdir -p library
cp -R "$tree" "library/$name"
rm -f www && ln -sfn "$root/library/$name" www
