# shellcheck shell=sh disable=SC2154,SC2034 # this is the end of lxc.sh, which sets them
# A place without containers makes LXC itself say what it says of one it does not know.
[ -n "$own" ] || set -- -P "$lab/lxc${elsewhere:+/elsewhere}" "$@"
exec /usr/bin/TOOL "$@"
