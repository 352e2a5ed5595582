# shellcheck shell=sh disable=SC2154,SC2034 # this is the end of lxc.sh, which sets them
environment=keep
while [ $# -gt 0 ]; do
    case $1 in
        --) shift; break ;;
        --clear-env) environment=clear ;;
        -[nPovlsugacfL]|--name|--lxcpath|--set-var|--logfile|--logpriority) shift ;;
        -*) ;;
        "$name") ;;
        *) break ;;
    esac
    shift
done
read -r pid started 2>/dev/null <"$lab/guests/$name/running" || pid=
if [ -n "$elsewhere" ] || [ -z "$pid" ] || [ ! -d "/proc/$pid" ]; then
    echo "lxc-attach: $name: ../src/lxc/attach.c: get_attach_context: 405 Connection refused - Failed to get init pid" >&2
    echo "lxc-attach: $name: ../src/lxc/attach.c: lxc_attach: 1469 Connection refused - Failed to get attach context" >&2
    exit 1
fi
[ $# -gt 0 ] || set -- sh
exec "$lab/simulated/attach" "$lab/guests/$name" "$name" "$environment" "$@"
