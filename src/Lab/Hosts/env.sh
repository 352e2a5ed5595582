#!/bin/sh
# env of this host: with -i first it runs the command in the host's own system, as a host's jobs are started; else it is this machine's.
case ${1-} in
    -i | --ignore-environment) ;;
    *) exec /usr/bin/env "$@" ;;
esac
lab=LAB host=HOST
read -r power 2>/dev/null <"$lab/state/$host" || power=
if [ "$power" != "power on" ]; then
    echo "nanny-lab: host $host is switched off, nothing runs on it" >&2
    exit 255
fi
boot=$(sed -n 's/^boot //p' "$lab/state/$host")
read -r started 2>/dev/null <"$lab/roots/$host/boot" || started=
if [ -z "$boot" ] || [ "$started" != "$boot" ]; then
    START || exit 125
fi
exec /usr/bin/lxc-attach -P "$lab/roots" -n "$host" --clear-env -- /usr/bin/env "$@"
