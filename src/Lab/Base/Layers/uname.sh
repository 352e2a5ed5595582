#!/bin/sh
# uname of a lab host: the kernel that this host runs, not the machine's below it.
release=$(cat /proc/sys/kernel/osrelease)
case $* in
    -r | --kernel-release) echo "$release" ;;
    *) /usr/lib/nanny-lab/uname "$@" | sed "s/$(/usr/lib/nanny-lab/uname -r)/$release/" ;;
esac
