# shellcheck shell=sh disable=SC2034,SC2154,SC2317 # common.sh, which stands before this, sets and asks for variables
# Alpine, with apk 2.12 and later. All that apk does is one transaction that ends in what /etc/apk/world asks for: with
# every change it takes away what nothing needs any more, asked or not. A dry run names it; a plan does not cover it.

main() {
    begin apk "package database of apk" "$@"
    command -v apk >/dev/null || fail unsupported 'There is no apk on this system.'
    [ -z "$security_only" ] || fail unsupported-option 'apk does not tell security updates from others: only all updates together.' 2
    settle_database
    look_before
    warn_of_idle_exclusions
    refresh_lists
    make_plan
    find_held
    hold_to_plan

    status=0
    if [ "$mode" = apply ] && [ -s "$work/plan" ]; then
        with_lock wait planned_upgrade || status=100 # apk's own code is the number of errors
    fi
    finish "$status"
}

# apk says whether its database can be read; what state a package is in only the file itself says: f is a package whose
# files or scripts failed, which apk calls broken.
installed() {
    apk info >/dev/null 2>"$work/apk-errors" || return 1
    for file in /lib/apk/db/installed /usr/lib/apk/db/installed; do
        [ -r "$file" ] || continue
        LC_ALL=C awk -v OFS='\t' '
            function put() { if (name != "") print name, arch, version, (broken ? "broken" : "installed"), "install"; name = ""; broken = 0 }
            /^P:/ { name = substr($0, 3) }
            /^V:/ { version = substr($0, 3) }
            /^A:/ { arch = substr($0, 3) }
            /^f:.*[fsx]/ { broken = 1 }
            /^$/ { put() }
            END { put() }' "$file"
        return
    done
    return 1
}

# What an earlier run left broken is repaired, once. It may be whole only after the upgrade, so this alone fails nothing.
settle_database() {
    installed >"$work/before" || fail database-damaged "apk cannot read its database: $(head -n 1 "$work/apk-errors"). Restore it from a backup; apk cannot repair it."
    broken=$(awk -F '\t' '$4 == "broken" { print $1 }' "$work/before" | tr '\n' ' ')
    [ -n "$broken" ] || return 0
    if [ "$mode" = dry-run ]; then
        warn "These packages are broken by an earlier interruption or a failed script; applying updates repairs them: ${broken% }"
    elif with_lock wait apk fix; then
        warn "These packages were broken by an earlier interruption or a failed script and were repaired first: ${broken% }"
    else
        warn "These packages are broken, and repairing them did not help: ${broken% }"
    fi
}

lock_is_taken() { grep -q 'Unable to lock database' "$work/log"; }

# A list that could not be fetched may hide updates: one failed repository fails the run. apk calls a directory that is
# gone a warning and ends with 0.
refresh_lists() {
    # In a shell of its own: globs are off here.
    if ! sh -c 'cat /etc/apk/repositories /etc/apk/repositories.d/*.list /lib/apk/repositories.d/*.list' 2>/dev/null | grep -q '^[[:space:]]*[^#[:space:]]'; then
        fail no-repositories 'apk has no repository: pending updates are unknown.'
    fi
    with_lock end apk update || fail "$(error_code repository-unreachable)" "$(error_text)"
    if grep -q '^WARNING: \|^ERROR: ' "$work/log"; then
        fail "$(error_code repository-unreachable)" "$(error_text)"
    fi
}

# Exclusions are arguments of the one call, so nothing of them outlives it. Without --no-self-upgrade apk renews itself
# in a transaction of its own, which no simulation shows. planned_: a function that logged may call in a process of its own.
planned_upgrade() {
    # shellcheck disable=SC2046 # names without blanks
    [ ! -s "$work/ignored" ] || set -- "$@" --ignore $(cat "$work/ignored")
    exec setsid apk upgrade --no-self-upgrade "$@"
}

make_plan() {
    matched "$work/before" | cut -f 1 >"$work/ignored"
    with_lock end planned_upgrade --simulate || [ "$(error_code none)" = none ] || fail "$(error_code apk-failed)" "$(error_text)"
    # A package that is broken makes every run end with an error, even where there is nothing to be said against the rest.
    if [ "$rc" -ne 0 ] && { grep -q '^ERROR: \|^WARNING: ' "$work/log" || ! grep -q '	broken	' "$work/before"; }; then
        fail apk-failed "$(error_text)"
    fi
    # (1/4) Upgrading NAME (FROM -> TO), (2/4) Installing NAME (TO), (3/4) Purging NAME (FROM); a name may have an @tag.
    LC_ALL=C awk -v OFS='\t' -v plan="$work/planned" -v gone="$work/autoremovals" '
        BEGIN { printf "" > plan; printf "" > gone }
        $1 !~ /^\([0-9]+\/[0-9]+\)$/ { next }
        { name = $3; sub(/@.*$/, "", name); from = $4; to = $6; gsub(/[()]/, "", from); gsub(/[()]/, "", to) }
        $2 == "Upgrading" || $2 == "Downgrading" { print name, from, to > plan }
        $2 == "Installing" { print name, "", from > plan }
        $2 == "Purging" { print name > gone }' "$work/log"
    [ -z "$(matched "$work/planned")" ] || fail would-change-excluded "apk would change what is excluded: $(matched "$work/planned" | cut -f 1 | tr '\n' ' ')"
    [ ! -s "$work/autoremovals" ] || [ -n "$autoremove" ] \
        || warn "With these updates apk removes what nothing needs any more: $(tr '\n' ' ' <"$work/autoremovals" | sed 's/ $//')"
    find_origins
}

# Writes plan: "apk policy" names the repositories of a version below it.
find_origins() {
    : >"$work/log"
    # shellcheck disable=SC2046 # names without blanks
    [ ! -s "$work/planned" ] || logged end apk policy $(cut -f 1 "$work/planned") || fail "$(error_code apk-failed)" "$(error_text)"
    LC_ALL=C awk -v OFS='\t' '
        FILENAME ~ /\/log$/ && / policy:$/ { name = $1; next }
        FILENAME ~ /\/log$/ && /^  [^ ].*:$/ { version = substr($1, 1, length($1) - 1); next }
        FILENAME ~ /\/log$/ { if (!((name, version) in origin)) origin[name, version] = $NF; next }
        { split($0, field, "\t"); print field[1], field[2], field[3], 0, origin[field[1], field[3]] }' "$work/log" "$work/planned" >"$work/plan"
}

# Writes held and kept: what a repository has newer and the plan has not. A person's hold is a version or a tag in world.
find_held() {
    logged end apk version -v -l '<' || fail "$(error_code apk-failed)" "$(error_text)"
    sed -n 's/^\([^ ]*\)-[^- ]*-r[0-9]* *<.*/\1/p; t; s/^\([^ ]*\)-[^- ]* *<.*/\1/p' "$work/log" >"$work/pending"
    matched "$work/pending" >"$work/excluded"
    cat /etc/apk/world >"$work/world" 2>/dev/null || fail apk-failed '/etc/apk/world cannot be read.'
    tr ' ' '\n' <"$work/world" | sed -n 's/^\([^=<~@]*\)[=<~@].*/\1/p' >"$work/pinned"
    awk -F '\t' -v OFS='\t' -v held="$work/held" -v kept="$work/kept" '
        FILENAME ~ /\/plan$/ { planned[$1] = 1; next }
        FILENAME ~ /\/excluded$/ { excluded[$1] = 1; next }
        FILENAME ~ /\/pinned$/ { pinned[$1] = 1; next }
        $1 in planned { next }
        $1 in pinned { print $1, "held-before" > held; next }
        $1 in excluded { print $1, "excluded" > held; next }
        { print $1 > kept }' "$work/plan" "$work/excluded" "$work/pinned" "$work/pending"
}

# error_code DEFAULT: what the last command's log says was wrong.
error_code() {
    if lock_is_taken; then
        echo lock-timeout
    elif grep -qi 'No space left on device' "$work/log"; then
        echo no-space
    elif grep -q ' unavailable, \|^WARNING: \(updating and \)*opening ' "$work/log"; then
        echo repository-unreachable
    else
        echo "$1"
    fi
}

error_text() {
    text=$(grep '^ERROR: \|^WARNING: \| required by: \| conflicts: \| breaks: ' "$work/log" | head -n 4 | cut -c 1-300)
    printf '%s\n' "${text:-$(tail -n 3 "$work/log" | cut -c 1-300)}"
}

# In braces, so that this line does nothing either unless all of it has arrived: "main" alone would apply.
# shellcheck disable=SC2317 # reached when main returns, which it does not
{ main "$@" </dev/null; exit; }
