# What walle-web 2 does on a server: it unpacks into the library and moves a link over the web root.
# In the working folder: NAME COMMIT TREE. The library is `library`, the web root `www`; nothing tells the commit.
set -eu
name=$1 tree=$3
root=$(pwd -P)
mkdir -p library
cp -R "$tree" "library/$name"
ln -sfn "$root/library/$name" library/current-tmp-1
mv -fT library/current-tmp-1 www
