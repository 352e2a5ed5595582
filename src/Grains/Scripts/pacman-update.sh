# shellcheck shell=sh disable=SC2034,SC2154,SC2317 # common.sh, which stands before this, sets and asks for variables
# The Arch family, with pacman. A plan is made over a copy of the repositories' lists: refreshed in place without an
# upgrade they would make the next installation of anything a partial upgrade.

main() {
    begin pacman "package database of pacman" "$@"
    command -v pacman >/dev/null || fail unsupported 'There is no pacman on this system.'
    [ -z "$security_only" ] || fail unsupported-option 'pacman does not tell security updates from others: only all updates together.' 2
    real=$(pacman-conf DBPath 2>/dev/null) || real=/var/lib/pacman/
    look_before
    warn_of_idle_exclusions
    settle_lock
    refresh_lists
    make_plan
    find_held
    hold_to_plan
    [ -z "$autoremove" ] || find_orphans

    status=0
    if [ "$mode" = apply ] && [ -s "$work/plan" ]; then
        apply_plan
    fi
    if [ "$mode" = apply ] && [ -n "$autoremove" ] && [ "$status" -eq 0 ]; then
        find_orphans # anew: an upgrade leaves more over
        # shellcheck disable=SC2046 # names without blanks
        [ ! -s "$work/autoremovals" ] || with_lock wait setsid pacman --noconfirm -Rns $(cat "$work/autoremovals") || status=$rc
    fi
    finish "$status"
}

installed() { pacman -Q | awk -v OFS='\t' 'NF != 2 { exit 1 } { print $1, "any", $2, "installed", "install" }'; }

# pacman never waits for its lock, and a killed one leaves it behind. It is a dead one's if no pacman runs in here.
settle_lock() {
    [ "$mode" = apply ] || return 0
    lock_deadline
    while [ -e "${real%/}/db.lck" ]; do
        # shellcheck disable=SC2046 # numbers
        if grep -qsE '^(pacman|pamac|yay|paru|packagekitd)$' $(set +f; echo /proc/[0-9]*/comm); then
            echo "${real%/}/db.lck exists" >"$work/log"
            wait_for_lock
            continue
        fi
        rm -f "${real%/}/db.lck"
        warn "pacman had been interrupted and had left its lock behind; it was removed first."
    done
}

lock_is_taken() { grep -q 'unable to lock database' "$work/log"; }

refresh_lists() {
    mkdir -p "$work/db/sync" || fail no-space 'No temporary directory can be made.'
    ln -s "${real%/}/local" "$work/db/local"
    repositories=$(pacman-conf --repo-list 2>/dev/null)
    [ -n "$repositories" ] || fail no-repositories 'pacman has no repository: pending updates are unknown.'
    logged end setsid pacman --dbpath "$work/db" --logfile /dev/null --noconfirm -Sy || fail "$(error_code repository-unreachable)" "$(error_text)"
    for repository in $repositories; do
        [ -s "$work/db/sync/$repository.db" ] || fail repository-unreachable "There is no list of the repository $repository."
    done
}

# --print says what would be done; what else it says on the way is not in three columns. --ask 1 answers no to the
# question whether an excluded package is to be upgraded all the same, which --noconfirm answers yes.
make_plan() {
    logged end planned_upgrade --dbpath "$work/db" --logfile /dev/null --print-format '%n %v %r' --print \
        || fail "$(error_code pacman-failed)" "$(error_text)"
    awk -v OFS='\t' '
        FILENAME ~ /\/before$/ { split($0, field, "\t"); version[field[1]] = field[3]; next }
        NF == 3 && $1 !~ /^(::|warning:|error:)/ { print $1, version[$1], $2, 0, $3 }' "$work/before" "$work/log" >"$work/plan"
}

planned_upgrade() {
    [ -z "$exclusions" ] || set -- "$@" --ignore "$exclusions"
    exec setsid pacman --noconfirm --ask 1 -Su "$@"
}

# Writes held: -Qu marks what --ignore or pacman.conf keeps as it is.
find_held() {
    ask_pacman "$work/pending" -Qu --dbpath "$work/db"
    awk '{ print $1 }' "$work/pending" >"$work/names"
    matched "$work/names" >"$work/excluded"
    awk -v OFS='\t' -v held="$work/held" -v kept="$work/kept" '
        FILENAME ~ /\/plan$/ { split($0, field, "\t"); planned[field[1]] = 1; next }
        FILENAME ~ /\/excluded$/ { excluded[$1] = 1; next }
        $1 in planned { next }
        / \[ignored\]$/ { print $1, "held-before" > held; next }
        $1 in excluded { print $1, "excluded" > held; next }
        { print $1 > kept }' "$work/plan" "$work/excluded" "$work/pending"
}

# Installed for others, and needed by nothing any more.
find_orphans() { ask_pacman "$work/autoremovals" -Qdtq; }

# ask_pacman FILE QUERY...: pacman ends with 1 where it finds nothing and where it cannot look; only then has it an error to say. Any
# other code, such as a killed one's, is no answer.
ask_pacman() {
    answer=$1
    shift
    pacman "$@" 3>&- >"$answer" 2>"$work/log" || { [ $? -eq 1 ] && ! grep -q '^error:' "$work/log"; } || fail "$(error_code pacman-failed)" "$(error_text)"
}

# Everything is fetched before anything is changed. Then the lists that the plan was made from take the place of the
# real ones, and the upgrade is of exactly those. A keyring too old for today's signatures is renewed first, once.
apply_plan() {
    if ! logged end planned_upgrade --dbpath "$work/db" --logfile /dev/null --downloadonly; then
        if ! grep -q 'unknown trust\|invalid or corrupted package (PGP signature)\|could not be looked up remotely' "$work/log" \
            || ! grep -q '^archlinux-keyring	' "$work/plan"; then
            fail "$(error_code repository-unreachable)" "$(error_text)"
        fi
        take_lists
        with_lock wait setsid pacman --noconfirm -S archlinux-keyring || fail "$(error_code pacman-failed)" "$(error_text)"
        warn 'The keyring was too old for the signatures of the updates and was renewed first.'
        logged end planned_upgrade --downloadonly || fail "$(error_code repository-unreachable)" "$(error_text)"
    fi
    take_lists
    with_lock wait planned_upgrade
    status=$rc
}

take_lists() {
    # In a shell of its own: globs are off here.
    # shellcheck disable=SC2016 # expanded by the inner shell
    sh -c 'cp "$1"/db/sync/* "$2/sync/"' sh "$work" "${real%/}" || fail no-space 'The lists of the repositories cannot be written.'
}

# error_code DEFAULT: what the last command's log says was wrong.
error_code() {
    if lock_is_taken || grep -q 'db.lck exists' "$work/log"; then
        echo lock-timeout
    elif grep -qi 'No space left on device\|not enough free disk space\|Partition .* too full' "$work/log"; then
        echo no-space
    elif grep -q 'failed to synchronize\|failed retrieving file\|failed to retrieve some files\|could not open file' "$work/log"; then
        echo repository-unreachable
    else
        echo "$1"
    fi
}

error_text() {
    text=$(grep '^error:\|^:: .* requires\|^Partition' "$work/log" | head -n 4 | cut -c 1-300)
    printf '%s\n' "${text:-$(tail -n 3 "$work/log" | cut -c 1-300)}"
}

# In braces, so that this line does nothing either unless all of it has arrived: "main" alone would apply.
# shellcheck disable=SC2317 # reached when main returns, which it does not
{ main "$@" </dev/null; exit; }
