#!/bin/sh
# shellcheck disable=SC2034 # what follows this file uses them
# TOOL of this host: LXC's own, in the lab's lxcpath, for the containers whose conf is on this host.
lab=LAB host=HOST
read -r power 2>/dev/null <"$lab/state/$host" || power=
if [ "$power" != "power on" ]; then
    echo "nanny-lab: host $host is switched off, nothing runs on it" >&2
    exit 255
fi
name='' first='' next='' own=''
for word in "$@"; do
    case $next in
        name) [ -n "$name" ] || name=$word ;;
    esac
    case $next,$word in
        ,--) break ;;
        ,-P*|,--lxcpath*) own=yes ;;
    esac
    case $next,$word in
        ,-n|,--name) next=name; continue ;;
        ,-n?*) [ -n "$name" ] || name=${word#-n} ;;
        ,--name=*) [ -n "$name" ] || name=${word#--name=} ;;
        ,-[Povlugca]|,--lxcpath|,--set-var|,--logfile|,--logpriority) next=value; continue ;;
        ,-*|name,*|value,*) ;;
        *) [ -n "$first" ] || first=$word ;;
    esac
    next=''
done
name=${name:-$first}
# While pmxcfs does not run, the files rest beside it, and what runs goes on.
if [ ! -e "$lab/hosts/$host/etc/pve/nodes/$host/lxc/$name.conf" ] && [ ! -e "$lab/hosts/$host/var/lib/pve-cluster/pve/nodes/$host/lxc/$name.conf" ]; then
    elsewhere=yes
fi
