#!/bin/sh
# Makes a base for the lab's containers that has Python, which Ansible's modules need: python.sh LAB CACHE, where LAB starts nanny-lab. The
# lab's own base is left as it is. What is there already is used again.
set -eu
lab=$1 cache=$2 plain=/var/cache/nanny-lab
[ ! -e "$cache/done" ] || exit 0
scratch=$(mktemp -d /tmp/nb-python.XXXXXX)
trap 'rm -rf "$scratch"' EXIT
# Made as the lab makes it, if it never was.
set -- "$plain"/base-*
if [ ! -d "$1" ]; then
    dotnet "$lab" up --dir "$scratch/lab" --hosts 1 --containers 1 >/dev/null
    dotnet "$lab" down --dir "$scratch/lab" >/dev/null
    set -- "$plain"/base-*
fi
# shellcheck disable=SC2016 # apt-get's placeholder, not the shell's
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep /debian | grep -v security | head -n 1)
rm -rf "$cache"
mkdir -p "$cache"
cp -a "$1" "$cache/"
root=$cache/${1##*/}
mv "$root/etc/apt/sources.list" "$scratch/sources.list"
echo "deb [trusted=yes] $mirror bookworm main" >"$root/etc/apt/sources.list"
# Mounts and processes of its own: one that is killed leaves none.
# shellcheck disable=SC2016 # for the inner shell to expand
unshare --mount --pid --fork --kill-child --propagation private -- sh -c '
    mount -t proc proc "$1/proc"
    export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C DEBIAN_FRONTEND=noninteractive
    chroot "$1" apt-get -q update && chroot "$1" apt-get -q -y --no-install-recommends install python3 python3-apt && chroot "$1" apt-get clean' \
    sh "$root" >"$scratch/log" 2>&1 </dev/null || { tail -n 8 "$scratch/log" >&2; exit 1; }
rm -rf "$root"/var/lib/apt/lists/*
mv "$scratch/sources.list" "$root/etc/apt/sources.list"
: >"$cache/done"
