#!/bin/sh
# Lists or installs the pending updates of a Debian family system.
#
#   apt-update.sh [--dry-run] [--exclude NAME[,NAME...]]
#
# Standard output carries exactly one JSON document, standard error everything a person may want to read.
# Exit code: 0 everything planned is installed (or, in a dry run, known), 2 invalid argument, 100 failed (apt's own
# code for it), 143 told to stop. POSIX sh; arrives on the standard input of "sh -s", so all of it is functions and
# only the last line acts: a script cut off in transit does nothing.

main() {
    printf 'nanny-patch: started\n' >&2
    exec 3>&1 1>&2 # Descriptor 3 is for the document: whatever else writes to standard output ends up in the log.
    set -fu        # No file name ever meets a glob of ours.
    umask 022      # Packages' scripts inherit it.
    export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive UCF_FORCE_CONFFOLD=1
    export NEEDRESTART_MODE=l APT_LISTCHANGES_FRONTEND=none
    cd / || exit 100

    mode=apply
    work=
    stopping=
    trap 'stopping=1; woken=1' TERM INT HUP
    trap 'cd /; [ -z "$work" ] || rm -rf "$work"' EXIT

    read_arguments "$@"
    command -v apt-get >/dev/null || fail unsupported 'There is no apt-get on this system.'
    # A test makes this short; nobody else has a reason to.
    case ${NANNY_LOCK_TIMEOUT:-} in '' | *[!0-9]*) lock_timeout=300 ;; *) lock_timeout=$NANNY_LOCK_TIMEOUT ;; esac
    require_space
    work=$(mktemp -d) || fail no-space 'No temporary directory can be made.'
    : >"$work/warnings"
    printf '%s\n' "$exclusions" | tr , '\n' | sed '/^$/d' >"$work/patterns"

    installed >"$work/before" || fail apt-failed 'dpkg-query cannot read the package database.'
    write_preferences
    settle_interrupted_dpkg
    refresh_lists
    make_plan
    find_held

    status=0
    if [ "$mode" = apply ] && [ -s "$work/plan" ]; then
        apply_plan
    fi
    finish "$status"
}

# Sets mode and exclusions. The control plane and the agent have checked the same grammar; so does this, since a
# script must not rely on who calls it.
read_arguments() {
    exclusions=
    for argument in "$@"; do
        [ "$argument" != --dry-run ] || mode=dry-run # first, so that every error names the right mode
    done
    while [ $# -gt 0 ]; do
        case $1 in
            --dry-run) ;;
            --exclude)
                [ $# -ge 2 ] || fail invalid-argument '--exclude needs package names.' 2
                shift
                add_exclusions "$1"
                ;;
            --exclude=*) add_exclusions "${1#--exclude=}" ;;
            *) fail invalid-argument "Unknown argument: $1" 2 ;;
        esac
        shift
    done
}

add_exclusions() {
    left=$1,
    while [ -n "$left" ]; do
        pattern=${left%%,*}
        left=${left#*,}
        case $pattern in
            [!A-Za-z0-9*]* | *[!A-Za-z0-9+._@:*-]* | '')
                fail invalid-argument "Not a package name or glob: $pattern" 2
                ;;
        esac
        [ "${#pattern}" -le 128 ] || fail invalid-argument "Longer than 128 characters: $pattern" 2
        exclusions=$exclusions${exclusions:+,}$pattern
    done
}

# 50 MiB: the package lists alone take that much. A full disk in the middle of dpkg costs more than a refusal.
require_space() {
    for place in / /var; do
        free=$(df -Pk "$place" | awk 'NR == 2 { print $4 }')
        case $free in '' | *[!0-9]*) fail apt-failed "df cannot say how much space is free in $place." ;; esac
        [ "$free" -ge 51200 ] || fail no-space "$place has $free KiB free; 51200 are needed."
    done
}

# Every package dpkg knows: name as apt prints it (an architecture only when it is a foreign one), architecture,
# version, state, what is wanted of it.
installed() {
    native=$(dpkg --print-architecture) || return 1
    # shellcheck disable=SC2016 # dpkg-query's placeholders, not the shell's
    dpkg-query -W -f '${Package}\t${Architecture}\t${Version}\t${db:Status-Status}\t${db:Status-Want}\n' >"$work/query" || return 1
    awk -F '\t' -v OFS='\t' -v native="$native" \
        '{ if ($2 != native && $2 != "all") $1 = $1 ":" $2; if ($2 == "all") $2 = native; print }' "$work/query"
}

# Exclusions are pins in a preferences file of this run alone, never holds: nothing is written to dpkg's selections, so
# there is nothing to take back after a crash and a person's own hold cannot be lost. Each excluded package is pinned to
# the version it has, with the highest priority there is; every other version of an excluded name, installed or not,
# is pinned away. The first record that fits a version wins, hence ours stand before the machine's own preferences.
write_preferences() {
    preferences=/etc/apt/preferences
    eval "$(apt-config shell preferences Dir::Etc::preferences/f)"
    : >"$work/excluded"
    # shellcheck disable=SC2016 # awk's fields, not the shell's
    LC_ALL=C awk -F '\t' -v excluded="$work/excluded" -v warnings="$work/warnings" '
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
                if (!used[i]) print "The exclusion " patterns[i] " matches no installed package." > warnings
                printf "Package: %s\nPin: version *\nPin-Priority: -1\n\n", patterns[i]
            }
        }' "$work/patterns" "$work/before" >"$work/preferences" || fail no-space 'The exclusions cannot be written.'
    [ ! -f "$preferences" ] || cat "$preferences" >>"$work/preferences" || fail no-space 'The exclusions cannot be written.'
}

# An earlier run that was cut off. A dry run changes nothing, so it can only say so.
settle_interrupted_dpkg() {
    unsettled=$(unfinished "$work/before")
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

# Prints the packages that dpkg has started on and not ended with.
unfinished() {
    awk -F '\t' '$4 ~ /^(half-installed|unpacked|half-configured|triggers-awaited|triggers-pending)$/ { printf "%s%s", sep, $1; sep = " " }' "$1"
}

# Unknown is not zero: a list that could not be fetched may hide updates, so one failed repository fails the run even
# where others answered. Error-Mode (apt 2.1) makes apt-get say so; older ones only warn, hence the look at the log.
refresh_lists() {
    lock_deadline
    while ! logged end apt-get -q -o APT::Update::Error-Mode=any -o "DPkg::Lock::Timeout=$lock_timeout" update \
        || grep -q '^W: \(Failed to fetch\|Some index files failed\)' "$work/log"; do
        if ! lock_is_taken; then
            fail "$(error_code repository-unreachable)" "$(error_text)"
        fi
        wait_for_lock
    done
    # shellcheck disable=SC2016 # apt-get's placeholder, not the shell's
    if targets=$(apt-get indextargets --format '$(IDENTIFIER)' 3>&-) && [ -z "$targets" ]; then
        fail no-repositories 'apt has no package list (no repository, or none with a usable index): pending updates are unknown.'
    fi
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
        simulate apt-get || fail "$(error_code apt-failed)" "$(error_text)"
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
    # Even a simulation writes its planner's log, unless that is sent away.
    # shellcheck disable=SC2086 # the command is one or two words of our own
    logged end "$1" -s -o Dir::Log::Planner=/dev/null $command || return
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

# Writes held: what has an update pending and stays as it is because a person said so, before or now. Asked without
# our pins. A hold is named first: it would still stand without the exclusion.
find_held() {
    : >"$work/held"
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

# Everything is fetched before anything is changed, so that a dead repository or a full disk leaves the system whole
# and a request to stop can be followed at once for the longer part of the work.
apply_plan() {
    # shellcheck disable=SC2086 # the command is one or two words of our own
    with_lock end planned_apt_get -y --no-remove --download-only $command \
        || fail "$(error_code repository-unreachable)" "$(error_text)"
    # shellcheck disable=SC2086 # as above
    with_lock wait planned_apt_get -y --no-remove $command
    status=$?
}

# apt-get with the exclusions, and with answers to everything dpkg may ask: a changed configuration file stays.
# Only for logged, which runs it in a process of its own: after exec its process id is apt-get's.
planned_apt_get() {
    # shellcheck disable=SC2317 # called as an argument of logged
    exec setsid apt-get -q -o "Dir::Etc::Preferences=$work/preferences" -o "DPkg::Lock::Timeout=$lock_timeout" \
        -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold "$@"
}

# with_lock end|wait COMMAND...: runs it, again while a lock that apt-get does not wait for is taken.
with_lock() {
    lock_deadline
    while ! logged "$@"; do
        lock_is_taken || return "$rc"
        wait_for_lock
    done
    return 0
}

lock_deadline() { deadline=$(($(date +%s) + lock_timeout)); }

lock_is_taken() { grep -q '^E: \(Could not get lock\|Unable to acquire the dpkg frontend lock\|Unable to lock\)' "$work/log"; }

wait_for_lock() {
    if [ "$(date +%s)" -ge "$deadline" ]; then
        fail lock-timeout "Another package manager held the lock for $lock_timeout seconds: $(error_text)"
    fi
    printf 'nanny-patch: waiting for the lock of another package manager\n' >&2
    sleep 1
    go_on
}

# logged end|wait COMMAND...: runs it with its output on standard error and in the file log; its exit code is also in rc.
# When we are told to stop, "end" ends the command, "wait" lets it finish: dpkg ended half-way is the worst state to
# leave a system in, and one package manager run is bounded. The command and the copier have sessions of their own,
# since timeout(1) signals the whole process group, and lose descriptor 3, so that a service started by a package does
# not keep our standard output open.
logged() {
    go_on
    on_stop=$1
    shift
    rm -f "$work/pipe" "$work/copied"
    mkfifo "$work/pipe" || fail no-space 'No pipe can be made in the temporary directory.'
    # shellcheck disable=SC2016 # expanded by the inner shell
    setsid sh -c 'trap "" PIPE; tee "$1/log" >&2; : >"$1/copied"' sh "$work" <"$work/pipe" 3>&- &
    case $1 in
        planned_apt_get) "$@" >"$work/pipe" 2>&1 3>&- & ;;
        *) setsid "$@" >"$work/pipe" 2>&1 3>&- & ;;
    esac
    child=$!
    rc=127
    while :; do
        woken=
        wait "$child"
        waited=$?
        [ "$waited" -eq 127 ] || rc=$waited
        if [ -z "$woken" ] || [ "$waited" -eq 127 ]; then break; fi # 127: it had ended when the signal came
        if [ "$on_stop" = end ]; then
            kill -TERM "$child" 2>/dev/null
        else
            printf 'nanny-patch: told to stop; waiting for dpkg to end what it has begun\n' >&2
        fi
    done
    # A process left behind by a package may hold the pipe open for ever: the copier gets five seconds.
    tries=0
    while [ ! -e "$work/copied" ] && [ "$tries" -lt 50 ]; do
        sleep 0.1
        tries=$((tries + 1))
    done
    [ "$on_stop" = wait ] || go_on
    return "$rc"
}

go_on() { [ -z "$stopping" ] || fail stopped 'Told to stop before anything was installed.' 143; }

warn() { printf '%s\n' "$1" >>"$work/warnings"; printf 'nanny-patch: %s\n' "$1" >&2; }

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

error_text() {
    text=$(grep '^E: \|^Err:\|^W: Failed to fetch\|^dpkg: error' "$work/log" | head -n 4 | cut -c 1-300)
    printf '%s\n' "${text:-$(tail -n 3 "$work/log" | cut -c 1-300)}"
}

# finish STATUS: writes the document of a run that came to its end, from what dpkg says now, and exits.
finish() {
    installed >"$work/after" || fail apt-failed 'dpkg-query cannot read the package database after the update.'
    # shellcheck disable=SC2016 # awk's fields, not the shell's
    LC_ALL=C awk -F '\t' -v mode="$mode" -v status="$1" -v result="$work/result" \
        -v reboot="$([ -e /var/run/reboot-required ] && echo true || echo false)" "$json_functions"'
        function present(state) { return state != "" && state != "not-installed" && state != "config-files" }
        function package(name, from, to, security, origin) {
            packages = packages (packages == "" ? "" : ",") "{\"name\":" quote(name) ",\"from\":" (from == "" ? "null" : quote(from)) \
                ",\"to\":" quote(to) ",\"security\":" (security ? "true" : "false") ",\"origin\":" quote(origin) "}"
        }
        function add(list, name) { return list (list == "" ? "" : ",") quote(name) }
        FILENAME ~ /\/plan$/ {
            planned[++plans] = $1; from[$1] = $2; to[$1] = $3; security[$1] = $4; origin[$1] = $5
            if (mode == "dry-run") package($1, $2, $3, $4, $5)
            next
        }
        FILENAME ~ /\/held$/ {
            held = held (held == "" ? "" : ",") "{\"name\":" quote($1) ",\"reason\":" quote($2) "}"
            stays[$1] = 1
            next
        }
        FILENAME ~ /\/kept$/ { if (!($1 in stays)) kept = add(kept, $1); next }
        FILENAME ~ /\/warnings$/ { warnings = add(warnings, $0); next }
        mode == "dry-run" { next }
        FILENAME ~ /\/before$/ { before[$1] = present($4) ? $3 : ""; next }
        {
            state[$1] = $4; now[$1] = $3
            if ($4 == "installed" && $3 != before[$1]) package($1, before[$1], $3, security[$1], origin[$1])
            if ($4 != "installed" && present($4) && !($1 in to)) { failed = add(failed, $1); failures++ }
        }
        END {
            for (i = 1; i <= plans && mode == "apply"; i++) {
                name = planned[i]
                if (state[name] != "installed" || now[name] == from[name]) { failed = add(failed, name); failures++ }
            }
            for (name in before) if (before[name] != "" && !present(state[name])) removed = add(removed, name)
            printf "{\"family\":\"apt\",\"mode\":%s,\"packages\":[%s],\"kept_back\":[%s],\"held\":[%s],\"removed\":[%s],\"failed\":[%s]", \
                quote(mode), packages, kept, held, removed, failed
            printf ",\"reboot_required\":%s,\"warnings\":[%s]", reboot, warnings
            if (status == 0 && failures) status = 100
            print status > result
        }' "$work/plan" "$work/held" "$work/kept" "$work/warnings" "$work/before" "$work/after" >"$work/document" || exit 100
    read -r status <"$work/result" || exit 100
    if [ -n "$stopping" ]; then
        status=143
        printf ',"error":{"code":"stopped","message":"Told to stop; what dpkg had begun was ended first."}' >>"$work/document"
    elif [ "$status" -ne 0 ]; then
        printf ',"error":{"code":%s,"message":%s}' "$(quoted "$(error_code apt-failed)")" "$(quoted "$(error_text)")" >>"$work/document"
    fi
    printf '}\n' >>"$work/document"
    cat "$work/document" >&3
    exit "$status"
}

# fail CODE MESSAGE [EXIT-CODE]: the document of a run that could not find out or do what was asked.
fail() {
    printf 'nanny-patch: %s: %s\n' "$1" "$2" >&2
    printf '{"family":"apt","mode":"%s","error":{"code":"%s","message":%s}}\n' "$mode" "$1" "$(quoted "$2")" >&3
    exit "${3:-100}"
}

quoted() { printf '%s\n' "$1" | LC_ALL=C awk "$json_functions"'{ text = text (NR > 1 ? "\n" : "") $0 } END { printf "%s", quote(text) }'; }

# quote(text) for awk: a JSON string in ASCII. Names and labels come from whoever runs the repository, so every byte
# counts: control characters and what is not ASCII are escaped, what is not UTF-8 becomes U+FFFD. Needs LC_ALL=C.
# shellcheck disable=SC2016 # awk's own text
json_functions='
    function quote(text,   i, n, c, b, need, low, code, out) {
        if (!ready) { for (i = 1; i < 256; i++) byte[sprintf("%c", i)] = i; ready = 1 }
        out = "\""; need = 0; n = length(text)
        for (i = 1; i <= n; i++) {
            c = substr(text, i, 1); b = byte[c]
            if (need > 0 && b >= 128 && b < 192) {
                code = code * 64 + b - 128
                if (--need == 0) out = out unicode(code, low)
                continue
            }
            if (need > 0) { out = out "\\ufffd"; need = 0 }
            if (c == "\"" || c == "\\") out = out "\\" c
            else if (b < 32 || b == 127) out = out sprintf("\\u%04x", b)
            else if (b < 128) out = out c
            else if (b >= 194 && b < 224) { need = 1; code = b - 192; low = 128 }
            else if (b >= 224 && b < 240) { need = 2; code = b - 224; low = 2048 }
            else if (b >= 240 && b < 245) { need = 3; code = b - 240; low = 65536 }
            else out = out "\\ufffd"
        }
        return out (need > 0 ? "\\ufffd" : "") "\""
    }
    function unicode(code, low) {
        if (code < low || code > 1114111 || (code >= 55296 && code < 57344)) return "\\ufffd"
        if (code < 65536) return sprintf("\\u%04x", code)
        code -= 65536
        return sprintf("\\u%04x\\u%04x", 55296 + int(code / 1024), 56320 + code % 1024)
    }
'

# In braces, so that this line does nothing either unless all of it has arrived: "main" alone would apply.
# shellcheck disable=SC2317 # reached when main returns, which it does not
{ main "$@" </dev/null; exit; }
