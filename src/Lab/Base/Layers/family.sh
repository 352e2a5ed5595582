#!/bin/sh
# Makes a container of another family of the base it runs in: family.sh FAMILY MIRROR. The family's own package manager, its own database with the
# lab's packages in their old versions, and a repository at /srv/repo with newer ones. Nothing of apt can be run afterwards.
set -eu
family=$1 mirror=$2
umask 022
echo "deb [trusted=yes] $mirror bookworm main" >/etc/apt/sources.list
apt-get -q update >/dev/null
install() { apt-get -q -y --no-install-recommends install "$@" >/dev/null; }
rm -rf /srv/repo
mkdir -p /srv/repo /tmp/old

# NAME|OLD|NEW
packages='lab-db|8.0.32|8.0.35
lab-slow|1.0|1.1
lab-tls|3.0.2|3.0.13
lab-web|1.18.0|1.24.0'
# shellcheck disable=SC2016 # for the package's script to expand
slow='[ ! -r /etc/lab-slow.seconds ] || sleep "$(cat /etc/lab-slow.seconds)"'
each() { # COMMAND DIRECTORY old|new
    echo "$packages" | while IFS='|' read -r name old new; do
        case $3 in old) "$1" "$2" "$name" "$old" ;; *) "$1" "$2" "$name" "$new" ;; esac
    done
}

rpm_of() { # DIRECTORY NAME VERSION
    script="echo '$2 $3 configured'" extra=''
    [ "$2" != lab-slow ] || script=$slow
    [ "$2" != lab-web ] || extra='%config(noreplace) /etc/lab-web.conf'
    cat >/tmp/lab.spec <<END
Name: $2
Version: $3
Release: 1
Summary: stand-in of the lab
License: none
BuildArch: noarch
%description
A package of the lab.
%install
mkdir -p %{buildroot}/usr/share/$2 %{buildroot}/etc
echo $3 >%{buildroot}/usr/share/$2/version
[ $2 != lab-web ] || echo "# lab-web $3" >%{buildroot}/etc/lab-web.conf
%post
$script
%files
/usr/share/$2/version
$extra
END
    rpmbuild --quiet -bb --define "_rpmdir $1" --define '_build_name_fmt %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm' /tmp/lab.spec
}

rpm_family() {
    mkdir -p /etc/rpm
    # Debian keeps rpm's database in the user's home.
    echo '%_dbpath /var/lib/rpm' >/etc/rpm/macros
    mkdir -p /var/lib/rpm
    # The release's package, which managers look for, has what the system brings from elsewhere.
    cat >/tmp/lab.spec <<END
Name: $1
Version: 9.4
Release: 1
Summary: release files of the lab
License: none
BuildArch: noarch
Provides: system-release = 9.4
Provides: distribution-release = 9.4
Provides: /bin/sh
%description
The system below the lab's packages.
%files
END
    rpmbuild --quiet -bb --define '_rpmdir /tmp/old' --define '_build_name_fmt %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm' /tmp/lab.spec
    each rpm_of /tmp/old old
    each rpm_of /srv/repo new
    cat >/tmp/updateinfo.xml <<'END'
<?xml version="1.0" encoding="UTF-8"?>
<updates><update from="lab@example.invalid" status="stable" type="security" version="1"><id>LAB-2026:0001</id><title>lab-tls security update</title>
<issued date="2026-01-05 10:00:00"/><severity>Important</severity><description>Security update of the lab.</description>
<pkglist><collection><name>lab</name><package name="lab-tls" version="3.0.13" release="1" epoch="0" arch="noarch"><filename>lab-tls-3.0.13-1.noarch.rpm</filename></package></collection></pkglist></update></updates>
END
    createrepo_c -q /srv/repo
    modifyrepo_c --mdtype=updateinfo /tmp/updateinfo.xml /srv/repo/repodata >/dev/null
    rpm --force-debian -i /tmp/old/*.rpm >/dev/null
    [ "$(rpm -qa 'lab-*' | wc -l)" = 4 ]
}

package_of() { # DIRECTORY NAME VERSION: pacman's, by hand
    rm -rf /tmp/pack
    mkdir -p "/tmp/pack/usr/share/$2"
    echo "$3" >"/tmp/pack/usr/share/$2/version"
    printf 'pkgname = %s\npkgbase = %s\npkgver = %s-1\npkgdesc = stand-in of the lab\nurl = http://example.invalid\nbuilddate = 1767600000\npackager = Lab\nsize = 10\narch = any\nlicense = none\n' "$2" "$2" "$3" >/tmp/pack/.PKGINFO
    if [ "$2" = lab-web ]; then
        mkdir -p /tmp/pack/etc
        echo "# lab-web $3" >/tmp/pack/etc/lab-web.conf
        echo 'backup = etc/lab-web.conf' >>/tmp/pack/.PKGINFO
    fi
    script="echo '$2 $3 configured'"
    [ "$2" != lab-slow ] || script=$slow
    printf 'post_install() {\n%s\n}\npost_upgrade() {\n%s\n}\n' "$script" "$script" >/tmp/pack/.INSTALL
    (cd /tmp/pack && tar --owner=0 --group=0 -czf "$1/$2-$3-1-any.pkg.tar.gz" .PKGINFO .INSTALL ./*)
}

case $family in
    dnf)
        install dnf rpm createrepo-c file
        rpm_family rocky-release
        mkdir -p /etc/yum.repos.d /etc/dnf
        printf '[lab]\nname=Lab\nbaseurl=file:///srv/repo\nenabled=1\ngpgcheck=0\nmetadata_expire=1\n' >/etc/yum.repos.d/lab.repo
        printf '[main]\ngpgcheck=0\ninstallonly_limit=3\nclean_requirements_on_remove=True\nbest=True\n' >/etc/dnf/dnf.conf
        [ -e /usr/bin/yum ] || ln -s dnf /usr/bin/yum
        id='NAME="Rocky Linux"\nVERSION="9.4 (Blue Onyx)"\nID="rocky"\nID_LIKE="rhel centos fedora"\nVERSION_ID="9.4"\nPRETTY_NAME="Rocky Linux 9.4 (Blue Onyx)"\n'
        ;;
    zypper)
        install zypper rpm createrepo-c file
        rpm_family openSUSE-release
        mkdir -p /etc/zypp/repos.d
        printf '[lab]\nname=Lab\nbaseurl=dir:///srv/repo\nenabled=1\nautorefresh=1\ngpgcheck=0\n' >/etc/zypp/repos.d/lab.repo
        id='NAME="openSUSE Leap"\nVERSION="15.6"\nID="opensuse-leap"\nID_LIKE="suse opensuse"\nVERSION_ID="15.6"\nPRETTY_NAME="openSUSE Leap 15.6"\n'
        ;;
    pacman)
        install pacman-package-manager makepkg libarchive-tools
        each package_of /tmp/old old
        each package_of /srv/repo new
        repo-add -q /srv/repo/lab.db.tar.gz /srv/repo/*.pkg.tar.gz >/dev/null
        printf '[options]\nArchitecture = auto\nSigLevel = Never\nLocalFileSigLevel = Never\nHoldPkg = pacman\n\n[lab]\nSigLevel = Never\nServer = file:///srv/repo\n' >/etc/pacman.conf
        mkdir -p /var/lib/pacman
        pacman -U --noconfirm /tmp/old/*.pkg.tar.gz >/dev/null
        [ "$(pacman -Qq | grep -c '^lab-')" = 4 ]
        pacman -Sy >/dev/null
        id='NAME="Arch Linux"\nPRETTY_NAME="Arch Linux"\nID=arch\nBUILD_ID=rolling\n'
        ;;
esac
rm -f /etc/os-release /etc/debian_version
# shellcheck disable=SC2059 # the text has its newlines as escapes
printf "$id" >/etc/os-release
cp /etc/os-release /usr/lib/os-release
rm -rf /tmp/old /tmp/pack /tmp/lab.spec /tmp/updateinfo.xml /root/rpmbuild /var/lib/apt/lists /var/cache/apt
rm -f /usr/bin/apt /usr/bin/apt-* /usr/bin/dpkg /usr/bin/dpkg-*
