# A place without containers makes LXC itself say what it says of one it does not know.
[ -n "$own" ] || set -- -P "$lab/lxc${elsewhere:+/elsewhere}" "$@"
exec /usr/bin/TOOL "$@"
