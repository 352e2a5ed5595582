#!/bin/sh
# Lists or installs the pending updates of this system.
#
#   NAME-update.sh [--dry-run] [--exclude NAME[,NAME...]] [--security-only] [--autoremove] [--plan SHA256] [--host]
#
# Standard output carries exactly one JSON document, standard error everything a person may want to read.
# Exit code: 0 everything planned is installed (or, in a dry run, known), 2 invalid argument, 100 failed,
# 143 told to stop. POSIX sh; arrives on the standard input of "sh -s", so all of it is functions and
# only the last line acts: a script cut off in transit does nothing.
#
# This part is the same for every package manager, the part after it knows one. That one has the functions main,
# installed (prints name, architecture, version, state, what is wanted), error_text, error_code and lock_is_taken.

# Sets up what every run needs: argument 1 is the family, 2 the words for its database, the rest the script's own.
begin() {
    printf 'nanny-patch: started\n' >&2
    family=$1
    database=$2
    shift 2
    exec 3>&1 1>&2 # Descriptor 3 is for the document: whatever else writes to standard output ends up in the log.
    set -fu        # No file name ever meets a glob of ours.
    umask 022      # Packages' scripts inherit it.
    export LC_ALL=C.UTF-8 NEEDRESTART_MODE=l
    cd / || exit 100

    mode=apply
    work=
    runs=0
    copied=
    stopping=
    asks_for_restart= # set by a package manager that says so itself
    trap 'stopping=1; woken=1' TERM INT HUP
    trap 'cd /; [ -z "$work" ] || rm -rf "$work"' EXIT

    read_arguments "$@"
    # A test makes this short; nobody else has a reason to.
    case ${NANNY_LOCK_TIMEOUT:-} in '' | *[!0-9]*) lock_timeout=300 ;; *) lock_timeout=$NANNY_LOCK_TIMEOUT ;; esac
    require_space
    work=$(mktemp -d) || fail no-space 'No temporary directory can be made.'
    for list in warnings plan held kept removals autoremovals begun; do : >"$work/$list"; done
    : >"$work/patterns"
    [ -z "$exclusions" ] || printf '%s\n' "$exclusions" | tr , '\n' >"$work/patterns"
}

# Reads the database before anything is done to it.
look_before() { installed >"$work/before" || fail "$family-failed" "The $database cannot be read."; }

# Sets mode and exclusions. The control plane and the agent have checked the same grammar; so does this, since a
# script must not rely on who calls it.
read_arguments() {
    exclusions=
    security_only=
    autoremove=
    wanted_plan=
    host=
    for argument in "$@"; do
        [ "$argument" != --dry-run ] || mode=dry-run # first, so that every error names the right mode
    done
    # shellcheck disable=SC2034 # the part that knows a package manager asks for some of these
    while [ $# -gt 0 ]; do
        case $1 in
            --dry-run) ;;
            --security-only) security_only=1 ;;
            --autoremove) autoremove=1 ;;
            --host) host=1 ;;
            --plan)
                [ $# -ge 2 ] || fail invalid-argument '--plan needs a SHA-256.' 2
                shift
                wanted_plan=$1
                ;;
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
    case $wanted_plan in
        '') ;;
        *[!0-9a-f]*) fail invalid-argument "Not a SHA-256: $wanted_plan" 2 ;;
        *)
            [ "${#wanted_plan}" -eq 64 ] || fail invalid-argument "Not a SHA-256: $wanted_plan" 2
            [ "$mode" = apply ] || fail invalid-argument 'A dry run makes a plan, it cannot be held to one.' 2
            ;;
    esac
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
    # Seven words of a header, and then lines of six: file system, blocks, used, free, share, where.
    # shellcheck disable=SC2046 # words
    set -- $(df -Pk / /var)
    set -- "${11:-}" "${17:-}"
    for place in / /var; do
        free=${1:-}
        case $free in '' | *[!0-9]*) fail "$family-failed" "df cannot say how much space is free in $place." ;; esac
        [ "$free" -ge 51200 ] || fail no-space "$place has $free KiB free; 51200 are needed."
        shift
    done
}

# What was approved is what is done, or nothing is. The text hashed is the one of PlanFingerprint: what goes has the version "-".
hold_to_plan() {
    [ -n "$wanted_plan" ] || return 0
    plan_hash=$(awk -F '\t' -v OFS='\t' 'FILENAME ~ /\/plan$/ { print $1, $3; next } { print $1, "-" }' "$work/plan" "$work/autoremovals" | LC_ALL=C sort -u | sha256sum) \
        || fail "$family-failed" 'There is no sha256sum here to compare plans with.'
    [ "${plan_hash%% *}" = "$wanted_plan" ] || finish 100 plan-changed 'What would be installed or removed has changed since the plan was approved; nothing was done.'
    cp "$work/autoremovals" "$work/approved" || fail no-space 'The plan cannot be written.'
}

# The upgrade may leave more over than anybody could tell before it. What was not approved is for the next plan.
keep_to_approved_removals() {
    [ -n "$wanted_plan" ] || return 0
    awk 'FILENAME ~ /\/approved$/ { approved[$1] = 1; next } !($1 in approved)' "$work/approved" "$work/autoremovals" >"$work/unapproved"
    [ -s "$work/unapproved" ] || return 0
    warn "Nothing was removed: since the upgrade this would go, too, and the approved plan does not have it: $(tr '\n' ' ' <"$work/unapproved" | sed 's/ $//')"
    : >"$work/autoremovals"
}

# Seconds of a clock that nobody sets; read without a process.
seconds() { read -r now _ </proc/uptime || fail "$family-failed" 'There is no /proc/uptime here to measure time with.'; now=${now%.*}; }

lock_deadline() { seconds; deadline=$((now + lock_timeout)); }

wait_for_lock() {
    seconds
    if [ "$now" -ge "$deadline" ]; then
        fail lock-timeout "Another package manager held the lock for $lock_timeout seconds: $(error_text)"
    fi
    printf 'nanny-patch: waiting for the lock of another package manager\n' >&2
    sleep 1
    go_on
}

# A package manager that asks before it changes anything: it and who wants it to stop both make the same link, and the first one's says
# what it is: there is a file "begun", and none "stopped". may_begin prints the question, a shell command; no character of it is special
# but the quotes' own.
may_begin() { printf "ln -s begun '%s' 2>/dev/null || [ -e '%s' ]" "$work/decision" "$work/decision"; }
has_begun() { [ -e "$work/decision" ]; }
may_end() { ln -s stopped "$work/decision" 2>/dev/null || ! has_begun; }

# logged end|wait|begin|ask COMMAND...: runs it with its output on standard error and in the file log; its exit code is also in rc.
# When we are told to stop, "end" ends the command, "wait" lets it finish: dpkg ended half-way is the worst state to
# leave a system in, and one package manager run is bounded. "begin" ends one that was not told yet that it may begin. "ask" is "end" for
# what takes a moment and changes nothing: it is shown in one piece, which needs no process to copy it.
# The command has a session of its own, since timeout(1) signals the whole process group, and the copier does not hear it. Both lose
# descriptor 3, so that a service started by a package does not keep our standard output open.
logged() {
    go_on
    on_stop=$1
    shift
    output=$work/log
    if [ "$on_stop" != ask ]; then
        runs=$((runs + 1))
        # Another one if a process left behind still holds the last one open.
        if [ ! -e "$copied" ]; then
            pipe=$work/pipe$runs
            mkfifo "$pipe" || fail no-space 'No pipe can be made in the temporary directory.'
        fi
        output=$pipe copied=$work/copied$runs
        (
            trap '' PIPE TERM INT HUP
            tee "$work/log" >&2
            exec </dev/null # nobody reads the pipe any more: the next one to be opened is the next run's
            : >"$copied"
        ) <"$pipe" 3>&- &
    fi
    case $1 in
        planned_*) "$@" >"$output" 2>&1 3>&- & ;;
        *) setsid "$@" >"$output" 2>&1 3>&- & ;;
    esac
    child=$!
    rc=127
    while :; do
        woken=
        wait "$child"
        waited=$?
        [ "$waited" -eq 127 ] || rc=$waited
        if [ -z "$woken" ] || [ "$waited" -eq 127 ]; then break; fi # 127: it had ended when the signal came
        if [ "$on_stop" = end ] || [ "$on_stop" = ask ] || { [ "$on_stop" = begin ] && may_end; }; then
            kill -TERM "$child" 2>/dev/null
        else
            printf 'nanny-patch: told to stop; waiting for the package manager to end what it has begun\n' >&2
        fi
    done
    # A process left behind by a package may hold the pipe open for ever: the copier gets five seconds. It needs one or two hundredths.
    tries=0
    while [ "$on_stop" != ask ] && [ ! -e "$copied" ] && [ "$tries" -lt 58 ]; do
        if [ "$tries" -lt 10 ]; then sleep 0.02; else sleep 0.1; fi
        tries=$((tries + 1))
    done
    case $on_stop in
        ask) cat "$work/log" >&2; go_on ;;
        end) go_on ;;
        begin) has_begun || go_on ;;
    esac
    return "$rc"
}

# logged, again and again for as long as another package manager has the lock, up to a limit.
with_lock() {
    lock_deadline
    while ! logged "$@"; do
        lock_is_taken || return "$rc"
        wait_for_lock
    done
    return 0
}

go_on() { [ -z "$stopping" ] || fail stopped 'Told to stop before anything was installed.' 143; }

warn() { printf '%s\n' "$1" >>"$work/warnings"; printf 'nanny-patch: %s\n' "$1" >&2; }

# Services that still run what has been replaced: a deleted file of the system's own is mapped. Their name is that of
# the systemd unit, else the program's. "null" when that cannot be told.
find_services() {
    services=null
    [ -r /proc/self/maps ] || return 0
    # Globs are off, but for the pipe's own shell.
    { set +f; grep -lsE ' /(usr|lib|lib32|lib64|bin|sbin|opt)/.* \(deleted\)$' /proc/[0-9]*/maps; } 2>/dev/null | while IFS=/ read -r _ _ pid _; do
        unit=$(sed -n 's|^.*/\([^/]*\)\.service\(/.*\)*$|\1|p' "/proc/$pid/cgroup" 2>/dev/null | head -n 1)
        [ -n "$unit" ] || unit=$(cat "/proc/$pid/comm" 2>/dev/null) || continue
        printf '%s\t%s\n' "$pid" "$unit"
    done >"$work/stale" 2>/dev/null
    services='[]'
    [ ! -s "$work/stale" ] || services=$(cut -f 2 "$work/stale" | LC_ALL=C sort -u | LC_ALL=C awk "$json_functions"'{ list = list (NR > 1 ? "," : "") quote($0) } END { printf "[%s]\n", list }')
}

# Whether the system itself wants to be restarted. A container has no kernel of its own: there it is what its init runs.
restart_wanted() {
    if [ -n "$host" ]; then host_restart_wanted; return; fi
    if [ -n "$asks_for_restart" ] || [ -e /var/run/reboot-required ] || { [ -s "$work/stale" ] && grep -q '^1	' "$work/stale"; }; then echo true; else echo false; fi
}

# installed for the families of rpm. A name that is there twice (two architectures, two kernels) has its architecture with it.
rpm_installed() {
    rpm -qa --qf '%{NAME}\t%{ARCH}\t%|EPOCH?{%{EPOCH}:}:{}|%{VERSION}-%{RELEASE}\tinstalled\tinstall\n' >"$work/query" 2>>"$work/rpm-errors" || return 1
    ! grep -q '^error:' "$work/rpm-errors" || return 1
    LC_ALL=C sort "$work/query" | awk -F '\t' -v OFS='\t' '
        $1 == "gpg-pubkey" { next }
        { line[++n] = $0; name[n] = $1; arch[n] = $2; times[$1]++ }
        END { for (i = 1; i <= n; i++) { $0 = line[i]; if (times[name[i]] > 1) $1 = name[i] "." arch[i]; print } }'
}

# A database that rpm cannot read is rebuilt, once, if anything may be changed at all.
settle_rpm() {
    : >"$work/rpm-errors"
    if rpm_installed >/dev/null; then settle_halves; return; fi
    [ "$mode" = apply ] || fail database-damaged "rpm cannot read its database: $(head -n 1 "$work/rpm-errors"). Applying updates rebuilds it."
    : >"$work/rpm-errors"
    if logged wait rpm --rebuilddb && rpm_installed >/dev/null; then
        warn "rpm's database could not be read and was rebuilt first."
        settle_halves
        return
    fi
    fail database-damaged "rpm's database cannot be read, and rebuilding it did not help: $(head -n 1 "$work/rpm-errors")"
}

# An upgrade of rpm is the new version in, then the old one out: killed in between it leaves both, and no later upgrade takes the old one away.
# What is meant to be there twice (kernels) was installed with no file in common, or in one go.
settle_halves() {
    rpm -qa --qf '%{NAME}.%{ARCH}\t%{INSTALLTIME}\t%{NAME}-%{VERSION}-%{RELEASE}.%{ARCH}\n' | LC_ALL=C sort -t '	' -k 1,1 -k 2,2n | awk -F '\t' -v OFS='\t' '
        $1 == name && $2 > time && name !~ /^(kernel|gpg-pubkey)/ { print package, $3 }
        { name = $1; time = $2; package = $3 }' >"$work/twice"
    while IFS='	' read -r old new; do
        if rpm -q --provides "$old" | grep -q '^\(installonlypkg\|multiversion\)('; then continue; fi
        for package in "$old" "$new"; do
            rpm -q --qf '[%{FILEMODES:perms} %{FILENAMES}\n]' "$package" | sed '/^d/d; s/^[^ ]* //' | LC_ALL=C sort -u
        done | LC_ALL=C sort | uniq -d | grep -q . || continue
        if [ "$mode" != apply ]; then
            warn "rpm was interrupted, or is at work right now: $old is there beside $new. Applying updates repairs it."
        elif logged wait rpm -e --nodeps "$old"; then
            warn "rpm had been interrupted and was repaired first: $old was there beside $new, whose own script may not have run to its end."
        else
            warn "rpm had been interrupted and could not be repaired: $old is there beside $new."
        fi
    done <"$work/twice"
}

# matched FILE: prints the lines of FILE whose first field is one of the excluded names.
matched() {
    LC_ALL=C awk -F '\t' '
        function regex(glob) { gsub(/[.]/, "[.]", glob); gsub(/[+]/, "[+]", glob); gsub(/[*]/, ".*", glob); return "^" glob "$" }
        FILENAME == ARGV[1] { patterns[++count] = regex($0); next }
        { for (i = 1; i <= count; i++) if ($1 ~ patterns[i]) { print; next } }' "$work/patterns" "$1"
}

# Says which exclusions were of no use: a mistyped one holds nothing.
warn_of_idle_exclusions() {
    LC_ALL=C awk -F '\t' '
        function regex(glob) { gsub(/[.]/, "[.]", glob); gsub(/[+]/, "[+]", glob); gsub(/[*]/, ".*", glob); return "^" glob "$" }
        FILENAME == ARGV[1] { text[++count] = $0; next }
        { for (i = 1; i <= count; i++) if ($1 ~ regex(text[i])) used[i] = 1 }
        END { for (i = 1; i <= count; i++) if (!used[i]) print "The exclusion " text[i] " matches no installed package." }' "$work/patterns" "$work/before" >>"$work/warnings"
}

# finish STATUS [CODE MESSAGE]: writes the document of a run that came to its end, from what the database says now, and
# exits. With a code nothing was installed, and the document lists what would have been.
finish() {
    installed >"$work/after" || fail "$family-failed" "The $database cannot be read after the update."
    find_services
    listing=$mode
    [ -z "${2:-}" ] || listing=dry-run
    # shellcheck disable=SC2016 # awk's fields, not the shell's
    LC_ALL=C awk -F '\t' -v mode="$mode" -v listing="$listing" -v family="$family" -v status="$1" -v result="$work/result" \
        -v reboot="$(restart_wanted)" -v services="$services" "$json_functions"'
        function present(state) { return state != "" && state != "not-installed" && state != "config-files" }
        function package(name, from, to, security, origin) {
            packages = packages (packages == "" ? "" : ",") "{\"name\":" quote(name) ",\"from\":" (from == "" ? "null" : quote(from)) \
                ",\"to\":" quote(to) ",\"security\":" (security ? "true" : "false") ",\"origin\":" quote(origin) "}"
        }
        function add(list, name) { return list (list == "" ? "" : ",") quote(name) }
        FILENAME ~ /\/plan$/ {
            planned[++plans] = $1; from[$1] = $2; to[$1] = $3; security[$1] = $4; origin[$1] = $5
            if (listing == "dry-run") package($1, $2, $3, $4, $5)
            next
        }
        FILENAME ~ /\/held$/ {
            held = held (held == "" ? "" : ",") "{\"name\":" quote($1) ",\"reason\":" quote($2) "}"
            stays[$1] = 1
            next
        }
        FILENAME ~ /\/kept$/ { if (!($1 in stays)) kept = add(kept, $1); next }
        FILENAME ~ /\/autoremovals$/ { leaves[$0] = 1; if (listing == "dry-run") removed = add(removed, $0); next }
        FILENAME ~ /\/warnings$/ { warnings = add(warnings, $0); next }
        listing == "dry-run" { next }
        FILENAME ~ /\/before$/ { before[$1] = present($4) ? $3 : ""; if (present($4)) had[$1, $3] = 1; next }
        {
            state[$1] = $4; now[$1] = $3
            if ($4 == "installed" && !(($1, $3) in had)) package($1, before[$1], $3, security[$1], origin[$1])
            if ($4 != "installed" && present($4) && !($1 in to)) { failed = add(failed, $1); failures++ }
        }
        END {
            for (i = 1; i <= plans && listing == "apply"; i++) {
                name = planned[i]
                if (name in leaves && !present(state[name])) continue # upgraded, and then of no use to anybody
                if (state[name] != "installed" || now[name] == from[name]) { failed = add(failed, name); failures++ }
            }
            for (name in before) if (before[name] != "" && !present(state[name])) removed = add(removed, name)
            printf "{\"family\":%s,\"mode\":%s,\"packages\":[%s],\"kept_back\":[%s],\"held\":[%s],\"removed\":[%s],\"failed\":[%s]", \
                quote(family), quote(mode), packages, kept, held, removed, failed
            printf ",\"reboot_required\":%s,\"services_to_restart\":%s,\"warnings\":[%s]", reboot, services, warnings
            if (status == 0 && failures) status = 100
            print status > result
        }' "$work/plan" "$work/held" "$work/kept" "$work/warnings" "$work/autoremovals" "$work/before" "$work/after" >"$work/document" || exit 100
    read -r status <"$work/result" || exit 100
    if [ -n "$stopping" ]; then
        status=143
        printf ',"error":{"code":"stopped","message":"Told to stop; what had begun was ended first."}' >>"$work/document"
    elif [ -n "${2:-}" ]; then
        printf ',"error":{"code":"%s","message":%s}' "$2" "$(quoted "$3")" >>"$work/document"
    elif [ "$status" -ne 0 ]; then
        printf ',"error":{"code":%s,"message":%s}' "$(quoted "$(error_code "$family-failed")")" "$(quoted "$(error_text)")" >>"$work/document"
    fi
    printf '}\n' >>"$work/document"
    cat "$work/document" >&3
    exit "$status"
}

# fail CODE MESSAGE [EXIT-CODE]: the document of a run that could not find out or do what was asked.
fail() {
    # What broke because we were told to stop is not what went wrong.
    [ -z "$stopping" ] || set -- stopped 'Told to stop before anything was installed.' 143
    printf 'nanny-patch: %s: %s\n' "$1" "$2" >&2
    printf '{"family":"%s","mode":"%s","error":{"code":"%s","message":%s}}\n' "$family" "$mode" "$1" "$(quoted "$2")" >&3
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

