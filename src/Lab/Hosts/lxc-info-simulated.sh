# shellcheck shell=sh disable=SC2154,SC2034 # this is the end of lxc.sh, which sets them
if [ -n "$elsewhere" ] || [ ! -d "$lab/guests/$name" ]; then
    echo "$name doesn't exist" >&2
    exit 1
fi
show='' plain=''
for word in "$@"; do
    case $word in
        --pid) show="${show}p" ;;
        --state) show="${show}s" ;;
        --no-humanize) plain=yes ;;
        -n*|--*) ;;
        -*) case $word in *p*) show="${show}p" ;; esac
            case $word in *s*) show="${show}s" ;; esac
            case $word in *H*) plain=yes ;; esac ;;
    esac
done
read -r pid started 2>/dev/null <"$lab/guests/$name/running" || pid=
[ -n "$pid" ] && [ -d "/proc/$pid" ] && state=RUNNING || state=STOPPED pid=''
say() { if [ -n "$plain" ]; then echo "$2"; else printf '%-15s %s\n' "$1:" "$2"; fi; }
[ -n "$show" ] || say Name "$name"
case $show in ''|*s*) say State "$state" ;; esac
case $show in ''|*p*) [ -z "$pid" ] || say PID "$pid" ;; esac
exit 0
