# shellcheck shell=sh disable=SC2034,SC2154,SC2317 # common.sh, which stands before this, sets and asks for variables
# The Debian family, with apt-get and dpkg.

main() {
    export DEBIAN_FRONTEND=noninteractive UCF_FORCE_CONFFOLD=1 APT_LISTCHANGES_FRONTEND=none
    begin apt "package database of dpkg" "$@"
    command -v apt-get >/dev/null || fail unsupported 'There is no apt-get on this system.'
    configure
    look_before
    wished=0
    [ ! -s "$work/patterns" ] || wished=$(wc -l <"$work/patterns")
    [ -z "$host" ] || widen_kernels
    write_preferences
    settle_interrupted_dpkg
    refresh_lists
    make_plan
    need_lists
    [ -z "$security_only" ] || keep_to_security
    find_held
    # In one simulation with the upgrade, as that leaves more over. An apply without a plan finds it out afterwards.
    # shellcheck disable=SC2086 # the command is one or two words of our own
    [ -z "$autoremove" ] || [ "$mode$wanted_plan" = apply ] || find_autoremovals $command --auto-remove
    hold_to_plan

    status=0
    if [ "$mode" = apply ] && [ -s "$work/plan" ]; then
        apply_plan
    fi
    if [ "$mode" = apply ] && [ -n "$autoremove" ] && [ "$status" -eq 0 ]; then
        find_autoremovals autoremove
        keep_to_approved_removals
        [ ! -s "$work/autoremovals" ] || with_lock wait planned_apt_get -y autoremove || status=$?
    fi
    finish "$status"
}

# Every package dpkg knows: name as apt prints it (an architecture only when it is a foreign one), architecture,
# version, state, what is wanted of it. On the way it writes unfinished (what dpkg has started on and not ended with) and holds.
installed() {
    # shellcheck disable=SC2016 # dpkg-query's placeholders, not the shell's
    dpkg-query -W -f '${Package}\t${Architecture}\t${Version}\t${db:Status-Status}\t${db:Status-Want}\n' >"$work/query" || return 1
    awk -F '\t' -v OFS='\t' -v native="$native" -v unfinished="$work/unfinished" -v holds="$work/holds" '
        BEGIN { printf "" > unfinished; printf "" > holds }
        { if ($2 != native && $2 != "all") $1 = $1 ":" $2; if ($2 == "all") $2 = native; print }
        $4 ~ /^(half-installed|unpacked|half-configured|triggers-awaited|triggers-pending)$/ { printf "%s%s", sep, $1 > unfinished; sep = " " }
        $5 == "hold" { print $1 > holds }' "$work/query"
}

# Sets native and writes apt.conf, which every apt-get of this run reads after the system's own configuration:
# - The architectures, which apt-get would ask dpkg for two or three times each time it is started.
# - No log of its planner: it is for apt's developers, and to write it takes as long as the rest of a simulation.
# - No asking ahead for the answers that packages want: nobody is there to give them, and a package asks again in its turn. Where another
#   program wants to see the packages first, too, all stays as it is: one hook alone cannot be taken out of the list.
configure() {
    apt-config dump >"$work/config" 2>"$work/log" || fail apt-failed "$(error_text)"
    # shellcheck disable=SC2016 # awk's fields, not the shell's
    native=$(LC_ALL=C awk -v configuration="$work/apt.conf" '
        { value = substr($0, length($1) + 3, length($0) - length($1) - 4) }
        $1 == "APT::Architecture" { print value }
        $1 == "APT::Architectures::" { architectures = architectures " \"" value "\";" }
        tolower($1) ~ /^dpkg::pre-install-pkgs::/ { hooks++; hook = value } # with a name of its own or without
        END {
            printf "Dir::Log::Planner \"\";\n" >configuration
            if (architectures != "") printf "#clear APT::Architectures;\nAPT::Architectures {%s };\n", architectures >configuration
            if (hooks == 1 && hook == "/usr/sbin/dpkg-preconfigure --apt || true") printf "#clear DPkg::Pre-Install-Pkgs;\n" >configuration
        }' "$work/config") || fail no-space 'The configuration for apt cannot be written.'
    [ -n "$native" ] || fail apt-failed 'apt does not say what architecture this is.'
}

# A new kernel is a new package, brought in by a metapackage, and Proxmox VE 8 renamed them all: whoever excludes one
# naming's kernels means kernels.
widen_kernels() {
    grep -q '^\(pve\|proxmox\)-\(default-\)\{0,1\}kernel' "$work/patterns" || return 0
    printf '%s\n' 'pve-kernel-*' 'proxmox-kernel-*' proxmox-default-kernel >>"$work/patterns"
    warn 'An excluded kernel holds all kernels of Proxmox VE, of both namings, with their metapackages.'
}

# Exclusions are pins in a preferences file of this run alone, never holds: nothing is written to dpkg's selections, so
# there is nothing to take back after a crash and a person's own hold cannot be lost. Each excluded package is pinned to
# the version it has, with the highest priority there is; every other version of an excluded name, installed or not,
# is pinned away. The first record that fits a version wins, hence ours stand before the machine's own preferences.
#
# Without any, apt goes by the machine's own.
write_preferences() {
    : >"$work/excluded"
    preferences=
    [ -s "$work/patterns" ] || [ -n "$security_only" ] || return 0
    preferences=/etc/apt/preferences
    eval "$(apt-config shell preferences Dir::Etc::preferences/f)"
    # shellcheck disable=SC2016 # awk's fields, not the shell's
    LC_ALL=C awk -F '\t' -v excluded="$work/excluded" -v warnings="$work/warnings" -v wished="$wished" '
        function regex(glob) { gsub(/[.]/, "[.]", glob); gsub(/[+]/, "[+]", glob); gsub(/[*]/, ".*", glob); return "^" glob "$" }
        FILENAME == ARGV[1] { patterns[++count] = $0; next }
        $4 == "not-installed" || $4 == "config-files" || $3 !~ /^[A-Za-z0-9.+:~-]+$/ { next }
        {
            bare = $1; sub(/:.*/, "", bare)
            hit = 0
            for (i = 1; i <= count; i++) {
                if (bare ~ regex(patterns[i]) || (bare ":" $2) ~ regex(patterns[i])) { hit = 1; used[i] = 1 }
            }
            if (!hit) next
            print $1 > excluded
            printf "Package: %s:%s\nPin: version %s\nPin-Priority: 32767\n\n", bare, $2, $3
        }
        END {
            for (i = 1; i <= count; i++) {
                if (!used[i] && i <= wished) print "The exclusion " patterns[i] " matches no installed package." >> warnings
                printf "Package: %s\nPin: version *\nPin-Priority: -1\n\n", patterns[i]
            }
        }' "$work/patterns" "$work/before" >"$work/preferences" || fail no-space 'The exclusions cannot be written.'
    [ ! -f "$preferences" ] || cat "$preferences" >>"$work/preferences" || fail no-space 'The exclusions cannot be written.'
}

# An earlier run that was cut off. A dry run changes nothing, so it can only say so.
settle_interrupted_dpkg() {
    unsettled=
    [ ! -s "$work/unfinished" ] || unsettled=$(cat "$work/unfinished")
    journal=$(set +f; for entry in /var/lib/dpkg/updates/[0-9]*; do [ ! -e "$entry" ] || echo yes; done)
    [ -n "$unsettled$journal" ] || return 0
    [ "$mode" = apply ] || fail dpkg-interrupted \
        "dpkg was interrupted, or is at work right now: ${unsettled:-its journal is not empty}. Applying updates repairs it."

    # dpkg does not wait for its lock by itself.
    lock_deadline
    while ! logged wait dpkg --force-confdef --force-confold --configure -a; do
        if ! grep -q '^dpkg: error: .* lock was locked by \|^dpkg: error: unable to lock' "$work/log"; then
            warn "dpkg had been interrupted and could not be repaired at once: ${unsettled:-unknown packages}."
            return 0 # A newer version may well install where this one does not.
        fi
        wait_for_lock
    done
    warn "dpkg had been interrupted and was repaired first: ${unsettled:-its journal was not empty}."
}

# Unknown is not zero: a list that could not be fetched may hide updates, so one failed repository fails the run even
# where others answered. Error-Mode (apt 2.1) makes apt-get say so; older ones only warn, hence the look at the log.
refresh_lists() {
    lock_deadline
    while ! logged end apt-get -q -c "$work/apt.conf" -o APT::Update::Error-Mode=any -o "DPkg::Lock::Timeout=$lock_timeout" update \
        || grep -q '^W: \(Failed to fetch\|Some index files failed\)' "$work/log"; do
        if ! lock_is_taken; then
            [ -n "$host" ] && subscription_alone_is_missing && break
            fail "$(error_code repository-unreachable)" "$(error_text)"
        fi
        wait_for_lock
    done
}

# Nothing pending is only known where there is a list that could say otherwise.
need_lists() {
    # shellcheck disable=SC2016 # apt-get's placeholder, not the shell's
    if [ ! -s "$work/plan" ] && targets=$(apt-get indextargets --format '$(IDENTIFIER)' 3>&-) && [ -z "$targets" ]; then
        fail no-repositories 'apt has no package list (no repository, or none with a usable index): pending updates are unknown.'
    fi
}

# Whether all that failed is the enterprise repository, which answers 401 without a subscription. The other lists were
# fetched. Without another repository of Proxmox VE its own updates are unknown, and that is no success.
subscription_alone_is_missing() {
    grep -q '^Err:.* https\{0,1\}://enterprise\.proxmox\.com/' "$work/log" && grep -q '401  *Unauthorized' "$work/log" || return 1
    ! grep '^Err:\|^[EW]: Failed to fetch' "$work/log" | grep -vq '://enterprise\.proxmox\.com/' || return 1
    # shellcheck disable=SC2016 # apt-get's placeholders, not the shell's
    apt-get indextargets --format '$(SITE) $(COMPONENT) $(FILENAME)' 'Created-By: Packages' 3>&- | while read -r site component file; do
        case $site in *enterprise.proxmox.com*) continue ;; esac
        case $component in pve-* | pvetest) [ ! -e "$file" ] || echo "$site" ;; esac
    done >"$work/proxmox"
    [ -s "$work/proxmox" ] || fail subscription-required \
        'The enterprise repository refuses this host (401): it has no valid subscription, and there is no other repository of Proxmox VE. Its updates are unknown.'
    warn 'The enterprise repository refuses this host (401): it has no valid subscription. Updates come from the other repositories alone.'
}

# dist-upgrade, since plain upgrade keeps back whatever needs a new package and leaves a stack half new. It may also
# remove packages to get its way, and nobody is there to say no: such a plan is refused, not carried out.
#
# With exclusions there is a second way to a removal: a new package that breaks the excluded version. apt protects a
# held package from that, but not a pinned one (measured: it removes it). The same packages are then planned with
# "upgrade --with-new-pkgs", which never removes and keeps back what is in the way: the very plan a hold gives.
make_plan() {
    command=dist-upgrade
    if ! simulate planned_apt_get; then
        grep -q '^E: Unmet dependencies' "$work/log" || fail "$(error_code apt-failed)" "$(error_text)"
        [ "$mode" = apply ] || fail broken-dependencies "$(error_text)"
        with_lock wait planned_apt_get -y --no-remove -f install || fail "$(error_code broken-dependencies)" "$(error_text)"
        warn 'Broken dependencies were repaired first.'
        simulate planned_apt_get || fail "$(error_code apt-failed)" "$(error_text)"
    fi
    if [ -s "$work/removals" ] && [ -s "$work/patterns" ]; then
        simulate apt-get -c "$work/apt.conf" || fail "$(error_code apt-failed)" "$(error_text)"
        if [ ! -s "$work/removals" ]; then
            command='upgrade --with-new-pkgs'
            warn 'Packages that would break an excluded one are kept back.'
        fi
        simulate planned_apt_get || fail "$(error_code apt-failed)" "$(error_text)"
    fi
    [ ! -s "$work/removals" ] || fail would-remove "The update would remove: $(tr '\n' ' ' <"$work/removals")"
}

# Writes plan (name, from, to, security, origin), removals and kept. A line is
#   Inst NAME[:ARCH] [OLD] (NEW LABEL:VERSION/ARCHIVE, LABEL:VERSION/ARCHIVE [ARCH]) [NAME:ARCH ]
# where labels are anybody's text and contain blanks; OLD is absent for a new package, the tail lists what is broken
# in between.
simulate() {
    # shellcheck disable=SC2086 # the command is one or two words of our own
    logged ask "$@" -s $command || return
    for list in plan removals kept; do
        : >"$work/$list" || fail no-space 'The plan cannot be written.'
    done
    # shellcheck disable=SC2016 # awk's fields, not the shell's
    LC_ALL=C awk -v OFS='\t' -v plan="$work/plan" -v removals="$work/removals" -v kept="$work/kept" '
        /^Inst / {
            keeping = 0
            name = $2; from = ""; to = ""; origin = ""
            rest = substr($0, length("Inst ") + length(name) + 2)
            if (match(rest, /^\[[^] ]*\] /)) { from = substr(rest, 2, RLENGTH - 3); rest = substr(rest, RLENGTH + 1) }
            if (match(rest, /^\([^ ]+ .* \[[^] ]+\]\)/)) {
                inside = substr(rest, 2, RLENGTH - 2)
                to = inside; sub(/ .*/, "", to)
                origin = substr(inside, length(to) + 2)
                sub(/ ?\[[^] ]+\]$/, "", origin)
            } else if (match(rest, /^\([^ ]+ \[[^] ]+\]\)/)) {
                to = substr(rest, 2); sub(/ .*/, "", to)
            } else {
                bad = 1
            }
            gsub(/\t/, " ", origin)
            security = origin ~ /(^|, )Debian-Security:/ || origin ~ /-security(, |$)/
            print name, from, to, security, origin > plan
            next
        }
        /^(Remv|Purg) / { print $2 > removals; keeping = 0; next }
        /^The following packages have been kept back:/ || /^The following upgrades have been deferred due to phasing:/ { keeping = 1; next }
        keeping && /^  / { for (i = 1; i <= NF; i++) print $i > kept; next }
        { keeping = 0 }
        END { exit bad }' "$work/log" || fail apt-failed "The plan of apt-get cannot be read: $(grep '^Inst ' "$work/log" | head -n 1)"
}

# Only updates of security archives, and what they need: everything else that is planned is pinned to what it is, and
# the plan is made again. What is left out is counted, so that nobody takes the list for all there is.
keep_to_security() {
    awk -F '\t' '$4 == 0 && $2 != "" { print $1 "\t" $2 }' "$work/plan" >"$work/others"
    [ -s "$work/others" ] || return 0
    awk -F '\t' '{ printf "Package: %s\nPin: version %s\nPin-Priority: 32767\n\n", $1, $2 }' "$work/others" >"$work/pins"
    cat "$work/preferences" >>"$work/pins" || fail no-space 'The plan cannot be written.'
    mv "$work/pins" "$work/preferences"
    simulate planned_apt_get || fail "$(error_code apt-failed)" "$(error_text)"
    [ ! -s "$work/removals" ] || fail would-remove "The update would remove: $(tr '\n' ' ' <"$work/removals")"
    : >"$work/kept" # what apt kept back now is what was left out
    warn "Left out, as only security updates were asked for: $(wc -l <"$work/others") other updates."
}

# find_autoremovals COMMAND...: packages that were installed for others and that nothing needs after it. Never what makes a host one.
find_autoremovals() {
    logged ask planned_apt_get -s "$@" || fail "$(error_code apt-failed)" "$(error_text)"
    sed -n 's/^Remv \([^ ]*\).*/\1/p' "$work/log" >"$work/autoremovals"
    if grep -q '^\(proxmox-ve\|pve-manager\|qemu-server\|pve-container\)$' "$work/autoremovals"; then
        warn 'Nothing was removed: apt would take packages of Proxmox VE for superfluous.'
        : >"$work/autoremovals"
        autoremove=
    fi
}

# Writes held: what has an update pending and stays as it is because a person said so, before or now. Asked without
# our pins. A hold is named first: it would still stand without the exclusion.
find_held() {
    [ -s "$work/excluded" ] || [ -s "$work/holds" ] || return 0
    awk -F '\t' -v OFS='\t' '
        FILENAME == ARGV[1] { excluded[$1] = 1; next }
        $4 == "not-installed" || $4 == "config-files" { next }
        $5 == "hold" { print $1, "held-before"; next }
        $1 in excluded { print $1, "excluded" }' "$work/excluded" "$work/before" >"$work/kept-by-wish"
    [ -s "$work/kept-by-wish" ] || return 0
    cut -f 1 "$work/kept-by-wish" | xargs apt-cache policy 3>&- >"$work/policy" || fail apt-failed 'apt-cache policy failed.'
    awk -v OFS='\t' '
        FILENAME == ARGV[1] { reason[$1] = $2; next }
        /^[^ ]/ { name = $1; sub(/:$/, "", name) }
        $1 == "Installed:" { version = $2 }
        $1 == "Candidate:" && $2 != version && $2 != "(none)" && (name in reason) { print name, reason[name] }' \
        "$work/kept-by-wish" "$work/policy" >"$work/held"
}

# apt fetches everything before it changes anything, so that a dead repository or a full disk leaves the system whole. Before its first dpkg
# it asks whether it may begin: until then a request to stop is followed at once.
apply_plan() {
    # shellcheck disable=SC2086 # the command is one or two words of our own
    with_lock begin planned_apt_get -y --no-remove -o "DPkg::Pre-Invoke::=$(may_begin)" $command
    status=$?
    [ "$status" -eq 0 ] || has_begun || fail "$(error_code repository-unreachable)" "$(error_text)"
}

# apt-get with the exclusions, and with answers to everything dpkg may ask: a changed configuration file stays.
# Only for logged, which runs it in a process of its own: after exec its process id is apt-get's.
planned_apt_get() {
    # shellcheck disable=SC2317 # called as an argument of logged
    [ -z "$preferences" ] || set -- -o "Dir::Etc::Preferences=$work/preferences" "$@"
    # shellcheck disable=SC2317 # as above
    exec setsid apt-get -q -c "$work/apt.conf" -o "DPkg::Lock::Timeout=$lock_timeout" \
        -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold "$@"
}

# Of a lock that apt-get does not wait for.
lock_is_taken() { grep -q '^E: \(Could not get lock\|Unable to acquire the dpkg frontend lock\|Unable to lock\)' "$work/log"; }

# error_code DEFAULT: what the last command's log says was wrong.
error_code() {
    if lock_is_taken; then
        echo lock-timeout
    elif grep -q "No space left on device\|You don't have enough free space" "$work/log"; then
        echo no-space
    elif grep -q '^E: dpkg was interrupted' "$work/log"; then
        echo dpkg-interrupted
    elif grep -q '^E: \(Malformed\|The list of sources could not be read\|Type .* is not known\)' "$work/log"; then
        echo apt-failed
    else
        echo "$1"
    fi
}

# The lines Err: have no reason in them; they are for an apt that says nothing else.
error_text() {
    text=$(grep '^E: \|^W: Failed to fetch\|^dpkg: error' "$work/log" | head -n 4 | cut -c 1-300)
    [ -n "$text" ] || text=$(grep '^Err:' "$work/log" | head -n 4 | cut -c 1-300)
    printf '%s\n' "${text:-$(tail -n 3 "$work/log" | cut -c 1-300)}"
}

# Whether a host runs another kernel than the next start would: the pinned one, else the newest installed (a Proxmox VE
# kernel writes no reboot-required). Packages of the daemons it stays with a restart are named as services.
host_restart_wanted() {
    next=$(sed -n '1s/[[:space:]]*$//p' /etc/kernel/next-boot-pin 2>/dev/null)
    [ -n "$next" ] || next=$(sed -n '1s/[[:space:]]*$//p' /etc/kernel/proxmox-boot-pin 2>/dev/null)
    if [ -z "$next" ]; then
        for kernel in $(set +f; cd /boot && ls -d vmlinuz-*-pve 2>/dev/null); do
            kernel=${kernel#vmlinuz-}
            if [ -z "$next" ] || dpkg --compare-versions "${kernel%-pve}" gt "${next%-pve}"; then next=$kernel; fi
        done
    fi
    if [ -z "$next" ]; then echo null; elif [ "$(uname -r)" = "$next" ]; then echo false; else echo true; fi
}

# In braces, so that this line does nothing either unless all of it has arrived: "main" alone would apply.
# shellcheck disable=SC2317 # reached when main returns, which it does not
{ main "$@" </dev/null; exit; }
