#!/bin/sh
# Makes a Proxmox VE host of the base it runs in: host.sh CODENAME. /own/packages has a line for each version of a package:
# NAME|VERSION|installed or repository|REPOSITORY|DEPENDS|TITLE|KERNEL
set -eu
name=$1
umask 022
mirror=/srv/mirror
pve=$mirror/download.proxmox.com/debian/pve
debian=$mirror/debian.example.invalid/debian
security=$mirror/security.example.invalid/debian-security
mkdir -p "$pve/pool" "$debian/pool" "$security/pool" /tmp/old

pack() { # NAME VERSION INTO DEPENDS TITLE KERNEL
    rm -rf /tmp/pack
    mkdir -p /tmp/pack/DEBIAN "/tmp/pack/usr/share/doc/$1"
    echo "$1 $2" >"/tmp/pack/usr/share/doc/$1/version"
    {
        printf 'Package: %s\nVersion: %s\nSection: admin\nPriority: optional\nArchitecture: amd64\nInstalled-Size: 1024\n' "$1" "$2"
        printf 'Maintainer: Proxmox Support Team <support@example.invalid>\n'
        [ -z "$4" ] || printf 'Depends: %s\n' "$4"
        # Several lines of description, since a reader that takes each line for a field must fail here.
        printf 'Description: %s\n This package stands in the lab for the one of the same name.\n .\n Package: of this line is no field.\n' "$5"
    } >/tmp/pack/DEBIAN/control
    if [ -n "$6" ]; then
        mkdir -p /tmp/pack/boot "/tmp/pack/lib/modules/$6"
        echo "kernel $6 of the lab" >"/tmp/pack/boot/vmlinuz-$6"
        echo "modules of $6" >"/tmp/pack/lib/modules/$6/modules.order"
    fi
    if [ "$1" = pve-manager ]; then
        mkdir -p /tmp/pack/etc
        printf '# vzdump default settings of %s\n\n#tmpdir: DIR\n' "$2" >/tmp/pack/etc/vzdump.conf
        echo /etc/vzdump.conf >/tmp/pack/DEBIAN/conffiles
    fi
    dpkg-deb --root-owner-group -Zgzip -z1 --build /tmp/pack "$3/$1_$2_amd64.deb" >/dev/null
}

suite() { # DIRECTORY SUITE COMPONENT ORIGIN LABEL DEB...
    at=$1/dists/$2 component=$3 origin=$4 label=$5 codename=$2
    top=$1
    mkdir -p "$at/$component/binary-amd64"
    shift 5
    for deb in "$@"; do
        dpkg-deb --field "$deb"
        printf 'Filename: %s\nSize: %s\nSHA256: %s\n\n' "${deb#"$top"/}" "$(stat -c %s "$deb")" "$(sha256sum "$deb" | cut -d ' ' -f 1)"
    done >"$at/$component/binary-amd64/Packages"
    list=$at/$component/binary-amd64/Packages
    {
        printf 'Origin: %s\nLabel: %s\nSuite: stable\nCodename: %s\nDate: %s\n' "$origin" "$label" "$codename" "$(date -Ru)"
        printf 'Architectures: amd64\nComponents: %s%s\nSHA256:\n' "$component" "$(case $component in main) echo ' contrib non-free-firmware' ;; *) echo ' pve-enterprise' ;; esac)"
        printf ' %s %s %s/binary-amd64/Packages\n' "$(sha256sum "$list" | cut -d ' ' -f 1)" "$(stat -c %s "$list")" "$component"
        if [ "$component" = pve-no-subscription ]; then
            printf ' %s %s pve-enterprise/binary-amd64/Packages\n' "$(sha256sum "$list" | cut -d ' ' -f 1)" "$(stat -c %s "$list")"
        fi
    } >"$at/Release"
}

while IFS='|' read -r package version kind repository depends title kernel; do
    case $kind,$repository in
        installed,*) pack "$package" "$version" /tmp/old "$depends" "$title" "$kernel" ;;
        *,pve) pack "$package" "$version" "$pve/pool" "$depends" "$title" "$kernel" ;;
        *,security) pack "$package" "$version" "$security/pool" "$depends" "$title" "$kernel" ;;
        *) pack "$package" "$version" "$debian/pool" "$depends" "$title" "$kernel" ;;
    esac
done </own/packages
# The lab's own packages have their updates from Debian here, one of them a security update.
cp /srv/repo/lab-tls_*.deb "$security/pool/"
for deb in /srv/repo/lab-web_*.deb /srv/repo/lab-db_*.deb /srv/repo/lab-slow_*.deb; do cp "$deb" "$debian/pool/"; done
suite "$pve" "$name" pve-no-subscription 'Proxmox' 'Proxmox Debian Repository' "$pve"/pool/*.deb
suite "$debian" "$name" main Debian Debian "$debian"/pool/*.deb
suite "$debian" "$name-updates" main Debian Debian
suite "$security" "$name-security" main Debian Debian-Security "$security"/pool/*.deb

mkdir -p /boot
dpkg --install /tmp/old/*.deb >/dev/null
# One kernel of which only the configuration is left.
[ ! -f /own/removed ] || cat /own/removed >>/var/lib/dpkg/status
# What installing the old ones' successors needs and nothing else.
mkdir -p /usr/lib/nanny-lab
rm -f /usr/lib/apt/methods/http /usr/lib/apt/methods/https
cp /own/apt-method.pl /usr/lib/apt/methods/http
chmod 755 /usr/lib/apt/methods/http
cp -a /usr/lib/apt/methods/http /usr/lib/apt/methods/https
cp -a /usr/bin/uname /usr/lib/nanny-lab/uname
cp /own/uname.sh /usr/bin/uname
chmod 755 /usr/bin/uname
rm -rf /tmp/pack /tmp/old /var/lib/apt/lists /etc/apt/sources.list /etc/apt/sources.list.d
mkdir -p /var/lib/apt/lists/partial /etc/apt/sources.list.d /var/lib/nanny-lab
rm -f /own/packages /own/removed /own/uname.sh /own/apt-method.pl
# What each host has of its own, and shows to whoever looks at its files from outside.
cp -a /etc /var /boot /own/
