# shellcheck shell=sh disable=SC2034,SC2154,SC2317 # common.sh, which stands before this, sets and asks for variables
# The SUSE family, with zypper.

main() {
    begin zypper "package database of rpm" "$@"
    command -v zypper >/dev/null || fail unsupported 'There is no zypper on this system.'
    # Measured: where zypper has no history of its own (an image, a container template) it takes every package for one
    # that was installed for others, and so the ones a person wants for superfluous.
    [ -z "$autoremove" ] || fail unsupported-option 'zypper does not know reliably which packages nobody asked for: remove them by hand.' 2
    settle_rpm
    look_before
    warn_of_idle_exclusions
    choose_command
    write_locks
    refresh_lists
    [ -z "$security_only" ] || need_advisories
    make_plan
    find_held
    hold_to_plan

    status=0
    if [ "$mode" = apply ] && [ -s "$work/plan" ]; then
        apply_plan
    fi
    finish "$status"
}

installed() { rpm_installed; }

# A rolling release is only whole after a "dup": "update" may keep back what was split or renamed.
choose_command() {
    command=update
    case $(sed -n 's/^ID=//p' /etc/os-release 2>/dev/null | tr -d "\"'") in
        opensuse-tumbleweed | opensuse-slowroll) command=dup ;;
    esac
    [ -n "$security_only" ] || return 0
    [ "$command" = update ] || fail unsupported-option 'A rolling release has no security patches to choose from: only all updates together.' 2
    command='patch --category security'
}

# Exclusions are locks in a file of this run alone, which ZYPP_CONF points to: a lock in the system's own file would
# outlive a crash. A person's locks stand in ours, too.
write_locks() {
    theirs=/etc/zypp/locks
    : >"$work/nolocks"
    cat "$theirs" >"$work/theirs" 2>/dev/null || : >"$work/theirs"
    { cat "$work/theirs" && echo; } >"$work/locks"
    while read -r pattern; do
        printf '\ntype: package\nmatch_type: glob\ncase_sensitive: on\nsolvable_name: %s\n' "$pattern"
    done <"$work/patterns" >>"$work/locks" || fail no-space 'The exclusions cannot be written.'
    for list in nolocks theirs locks; do
        { sed '/^[[:space:]]*locksfile\.\(path\|apply\)/d' /etc/zypp/zypp.conf 2>/dev/null || echo '[main]'; } >"$work/$list.conf"
        grep -q '^\[main\]' "$work/$list.conf" || echo '[main]' >>"$work/$list.conf"
        sed -i "s|^\[main\]|[main]\nlocksfile.path = $work/$list\nlocksfile.apply = true|" "$work/$list.conf"
    done
}

# planned_zypper LOCKS ARGUMENT...: for logged, which runs it in a process of its own.
planned_zypper() {
    export ZYPP_CONF="$1.conf" ZYPP_LOCK_TIMEOUT=0
    shift
    exec setsid zypper --non-interactive --no-color "$@"
}

lock_is_taken() { grep -q 'System management is locked by the application' "$work/log"; }

# A list that could not be fetched may hide updates: one failed repository fails the run, even where others answered.
refresh_lists() {
    with_lock end planned_zypper "$work/locks" refresh
    case $rc in
        0) ;;
        6) fail no-repositories 'zypper has no repository: pending updates are unknown.' ;;
        *) fail "$(error_code repository-unreachable)" "$(error_text)" ;;
    esac
    if grep -q 'Some of the repositories have not been refreshed\|Could not refresh\|Skipping repository' "$work/log"; then
        fail repository-unreachable "$(error_text)"
    fi
}

# Which updates are security updates only patches say. zypper itself takes a repository without any for one without security updates.
need_advisories() {
    with_lock end planned_zypper "$work/locks" --xmlout repos || fail "$(error_code zypper-failed)" "$(error_text)"
    attributes '^repo ' enabled=1 name <"$work/log" >"$work/repositories"
    with_lock end planned_zypper "$work/locks" --xmlout search --details --type patch
    case $rc in 0 | 104) ;; *) fail "$(error_code zypper-failed)" "$(error_text)" ;; esac # 104: nothing found
    attributes '^solvable ' kind=patch repository <"$work/log" >"$work/advising"
    awk 'FILENAME ~ /\/advising$/ { advising[$0] = 1; next } !($0 in advising)' "$work/advising" "$work/repositories" >"$work/silent"
    [ "$(wc -l <"$work/silent")" -lt "$(wc -l <"$work/repositories")" ] \
        || fail no-advisories 'No repository has patches, so nobody can tell which updates are security updates.'
    [ ! -s "$work/silent" ] || warn "Without patches, so that security updates from there are not known: $(tr '\n' ' ' <"$work/silent" | sed 's/ $//')"
}

# attributes ELEMENT NAME=VALUE ATTRIBUTE: the attribute of each element that has this value, out of XML on standard input.
attributes() {
    LC_ALL=C awk -v RS='<' -v element="$1" -v name="${2%%=*}" -v value="${2#*=}" -v wanted="$3" "$xml_functions"'
        $0 ~ element && attribute(name) == value { print attribute(wanted) }'
}

# shellcheck disable=SC2016 # awk's own text
xml_functions='
    function attribute(name,   text) {
        if (!match($0, "[ \n]" name "=\"[^\"]*\"")) return ""
        text = substr($0, RSTART + length(name) + 3, RLENGTH - length(name) - 4)
        gsub(/&lt;/, "<", text); gsub(/&gt;/, ">", text); gsub(/&quot;/, "\"", text); gsub(/&apos;/, "\047", text); gsub(/&amp;/, "\\&", text); gsub(/[\t\n]/, " ", text)
        return text
    }
'

# summary LOCKS COMMAND...: what zypper would do, a line each: kind (upgrade, install, remove), name, from, to, repository.
summary() {
    locks=$1
    shift
    # --xmlout is an option of zypper's own, before the command.
    with_lock end planned_zypper "$locks" --xmlout "$@" --dry-run --auto-agree-with-licenses
    case $rc in 0 | 102 | 103) ;; *) return 1 ;; esac
    LC_ALL=C awk -v OFS='\t' -v RS='<' "$xml_functions"'
        /^to-upgrade/ || /^to-downgrade/ || /^to-change-/ || /^to-reinstall/ { kind = "upgrade" }
        /^to-install/ { kind = "install" }
        /^to-remove/ { kind = "remove" }
        /^\/to-/ { kind = "" }
        /^solvable / && kind != "" && attribute("type") == "package" {
            print kind, attribute("name"), attribute("edition-old"), attribute("edition"), attribute("repository")
        }' "$work/log"
}

make_plan() {
    # shellcheck disable=SC2086 # the command is one or more words of our own
    summary "$work/locks" $command >"$work/summary" || fail "$(error_code zypper-failed)" "$(error_text)"
    awk -F '\t' '$1 == "remove" { print $2 }' "$work/summary" >"$work/removals"
    [ ! -s "$work/removals" ] || fail would-remove "The update would remove: $(tr '\n' ' ' <"$work/removals")"
    # What a security patch brings is known by asking for those alone. Where there are no patches, none is known to be.
    if [ "$command" = dup ] || ! summary "$work/locks" patch --category security >"$work/secure"; then : >"$work/secure"; fi
    awk -F '\t' -v OFS='\t' '
        FILENAME ~ /\/secure$/ { secure[$2] = 1; next }
        FILENAME ~ /\/before$/ { version[$1] = $3; next }
        { print $2, ($3 != "" ? $3 : version[$2]), $4, ($2 in secure) ? 1 : 0, $5 }' "$work/secure" "$work/before" "$work/summary" >"$work/plan"
}

# Writes held and kept: what would be upgraded without our locks, and what without a person's either.
find_held() {
    base=$command
    [ -z "$security_only" ] || base=update
    summary "$work/nolocks" "$base" >"$work/all" || fail "$(error_code zypper-failed)" "$(error_text)"
    summary "$work/theirs" "$base" >"$work/allowed" || fail "$(error_code zypper-failed)" "$(error_text)"
    cut -f 2 "$work/all" >"$work/names"
    matched "$work/names" >"$work/excluded"
    awk -F '\t' -v OFS='\t' '
        FILENAME ~ /\/plan$/ { planned[$1] = 1; next }
        FILENAME ~ /\/allowed$/ { allowed[$2] = 1; next }
        FILENAME ~ /\/excluded$/ { excluded[$1] = 1; next }
        $1 == "remove" || ($2 in planned) { next }
        !($2 in allowed) && !($2 in excluded) { print $2, "held-before"; next }
        $2 in excluded { print $2, ($2 in allowed) ? "excluded" : "held-before" }' "$work/plan" "$work/allowed" "$work/excluded" "$work/all" >"$work/held"
    if [ -n "$security_only" ]; then
        others=$(awk -F '\t' 'FILENAME ~ /\/all$/ { if (!($2 in known)) print; next } { known[$1] = 1 }' "$work/plan" "$work/held" "$work/all" | wc -l)
        [ "$others" -eq 0 ] || warn "Left out, as only security updates were asked for: $others other updates."
        return 0
    fi
    awk -F '\t' 'FILENAME ~ /\/all$/ { if ($1 == "upgrade" && !($2 in known)) print $2; next } { known[$1] = 1 }' "$work/plan" "$work/held" "$work/all" >"$work/kept"
}

# Everything is fetched before anything is changed: a request to stop can be followed at once for the longer part.
# 103: the package manager itself was updated, and the rest comes in a second run.
apply_plan() {
    # shellcheck disable=SC2086 # the command is one or more words of our own
    with_lock end planned_zypper "$work/locks" $command --auto-agree-with-licenses --download-only
    case $rc in 0 | 102 | 103) ;; *) fail "$(error_code repository-unreachable)" "$(error_text)" ;; esac
    for run in 1 2; do
        # shellcheck disable=SC2086 # as above
        with_lock wait planned_zypper "$work/locks" $command --auto-agree-with-licenses
        [ "$rc" -ne 102 ] || asks_for_restart=1
        if [ "$rc" -ne 103 ] || [ "$run" -ne 1 ]; then break; fi
        warn 'zypper itself was updated first, and then the rest.'
    done
    case $rc in
        0 | 102 | 103) status=0 ;;
        107)
            status=0
            warn 'A script of a package failed; the package is installed.'
            ;;
        *) status=$rc ;;
    esac
}

# error_code DEFAULT: what the last command's log says was wrong.
error_code() {
    if lock_is_taken; then
        echo lock-timeout
    elif grep -qi 'No space left on device\|Not enough space\|needs .* on the .* filesystem' "$work/log"; then
        echo no-space
    elif grep -qi 'No repositories defined' "$work/log"; then
        echo no-repositories
    elif grep -qi 'Valid metadata not found\|Download (curl) error\|Could.* not refresh\|not been refreshed\|Failed to retrieve\|No provider\|not found on medium\|Can.t provide' "$work/log"; then
        echo repository-unreachable
    else
        echo "$1"
    fi
}

error_text() {
    text=$(grep -i 'error\|problem\|No space left\|locked by\|not found\|failed' "$work/log" | sed 's/<[^>]*>//g' | head -n 4 | cut -c 1-300)
    printf '%s\n' "${text:-$(tail -n 3 "$work/log" | cut -c 1-300)}"
}

# In braces, so that this line does nothing either unless all of it has arrived: "main" alone would apply.
# shellcheck disable=SC2317 # reached when main returns, which it does not
{ main "$@" </dev/null; exit; }
