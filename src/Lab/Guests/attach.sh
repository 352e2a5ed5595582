#!/bin/sh
# Runs a command in the directory that stands for a container, as lxc-attach runs it in a real one:
# attach GUEST VMID keep|clear COMMAND [ARGUMENT...]
guest=$1 vmid=$2 environment=$3 name=$4
shift 4
fail() {
    printf 'lxc-attach: %s: ../src/lxc/attach.c: lxc_attach_run_command: 1841 %s - Failed to exec "%s"\n' "$vmid" "$2" "$name" >&2
    exit "$1"
}

path=$guest/bin:/sbin:/bin:/usr/sbin:/usr/bin program=
case $name in
    */*) program=$name ;;
    *) for place in "$guest/bin" /sbin /bin /usr/sbin /usr/bin; do
           [ -z "$program" ] && [ -f "$place/$name" ] && program=$place/$name
       done ;;
esac
[ -f "$program" ] || fail 127 "No such file or directory"
[ -x "$program" ] || fail 126 "Permission denied"

# Killing what stands for lxc-attach leaves the command running, and a command that ends by a signal gives 128 and its number.
# Standard input goes over descriptor 3: a shell gives background jobs none.
attach='exec 3<&0; "$@" <&3 3<&- & exec 0</dev/null 2>/dev/null 3<&-; wait $!'
# Inside a mount name space: the guest's shims and files over the machine's.
# shellcheck disable=SC2016 # for the inner shell to expand
mount='for shim in "$NANNY_LAB_GUEST"/bin/*; do
    [ "${shim##*/}" = cat ] || for place in /usr/bin /usr/sbin; do
        [ ! -e "$place/${shim##*/}" ] || mount --bind "$shim" "$place/${shim##*/}" || exit 1
    done
done
for file in hostname os-release; do
    [ ! -e "/etc/$file" ] || mount --bind "$NANNY_LAB_GUEST/etc/$file" "/etc/$file" || exit 1
done
'
cd "$guest" || exit 1
export PATH="$path" container=lxc NANNY_LAB_GUEST="$guest"
set -- "$program" "$@"
if [ -e "$guest/../isolated" ]; then
    set -- /usr/bin/unshare --user --map-root-user --mount -- /bin/sh -c "$mount$attach" sh "$@"
else
    set -- /bin/sh -c "$attach" sh "$@"
fi
# A guest must never patch the machine of the person who tries the lab: root's simulated guests run as nobody.
[ "$(/usr/bin/id -u)" = 0 ] && set -- /usr/bin/setpriv --reuid=65534 --regid=65534 --clear-groups -- "$@"
[ "$environment" = keep ] || set -- /usr/bin/env -i PATH="$path" container=lxc NANNY_LAB_GUEST="$guest" "$@"
exec "$@"
