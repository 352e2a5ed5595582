#!/bin/sh
# env of this host: guests are simulated, and a job of the host itself would change this machine.
case ${1-} in
    -i | --ignore-environment)
        echo "nanny-lab: host patching is not simulated: it needs root and LXC" >&2
        exit 125 ;;
esac
exec /usr/bin/env "$@"
