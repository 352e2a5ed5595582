# shellcheck shell=sh disable=SC2034,SC2154,SC2317 # common.sh, which stands before this, sets and asks for variables
# The families of dnf (4 and 5) and yum.

main() {
    begin dnf "package database of rpm" "$@"
    find_manager
    settle_rpm
    look_before
    warn_of_idle_exclusions
    refresh_lists
    [ -z "$security_only" ] || need_advisories
    make_plan
    find_held
    mv "$work/replaced" "$work/autoremovals"
    [ -z "$autoremove" ] || [ "$mode$wanted_plan" = apply ] || find_autoremovals
    hold_to_plan

    status=0
    if [ "$mode" = apply ] && [ -s "$work/plan" ]; then
        apply_plan
    fi
    if [ "$mode" = apply ] && [ -n "$autoremove" ] && [ "$status" -eq 0 ]; then
        : >"$work/autoremovals"
        find_autoremovals # anew: an upgrade leaves more over
        keep_to_approved_removals
        [ ! -s "$work/autoremovals" ] || with_lock wait planned_manager -y autoremove || status=$?
    fi
    finish "$status"
}

installed() { rpm_installed; }

find_manager() {
    for manager in dnf5 dnf yum; do
        ! command -v "$manager" >/dev/null || break
    done
    command -v "$manager" >/dev/null || fail unsupported 'There is neither dnf nor yum on this system.'
    # Which one it is decides what it understands. Since release 8 yum is another name of dnf.
    kind=$manager
    [ "$manager" != yum ] || case $(yum --version 2>/dev/null 3>&-) in 3.*) ;; dnf5*) kind=dnf5 ;; *) kind=dnf ;; esac
    everything=--disableexcludes=all
    [ "$kind" != dnf5 ] || everything='--setopt=disable_excludes=*'
}

# The manager with what every call has: no waiting for a lock that is not ours to bound, no repository left out in
# silence (only dnf knows a default for that), no colours. planned_: a function that logged may call in a process of its own.
planned_manager() {
    [ "$kind" = yum ] || set -- --setopt=skip_if_unavailable=0 "$@"
    exec setsid "$manager" --setopt=exit_on_lock=1 --setopt=*.skip_if_unavailable=0 --color=never "$@"
}

# The same, with what is excluded and with what is asked for.
planned_upgrade() {
    [ -z "$exclusions" ] || set -- "--exclude=$exclusions" "$@"
    [ -z "$security_only" ] || set -- "$@" --security
    planned_manager "$@"
}

lock_is_taken() { grep -qi 'is locked by\|Another app is currently holding\|another copy is running\|Failed to obtain .*lock\|lock .*held by' "$work/log"; }

# A list that could not be fetched may hide updates: one failed repository fails the run, even where others answered.
refresh_lists() {
    with_lock end planned_manager -q repolist || fail "$(error_code dnf-failed)" "$(error_text)"
    grep -q '[^[:space:]]' "$work/log" || fail no-repositories 'dnf has no repository: pending updates are unknown.'
    awk '$1 == "repo" { listed = 1; next } /^repolist:/ { exit } listed { sub(/^[!*]*/, "", $1); sub(/\/.*/, "", $1); print $1 }' "$work/log" >"$work/repositories"
    if [ "$kind" = yum ]; then
        with_lock end planned_manager -q clean expire-cache
        set -- makecache
    else
        set -- --refresh makecache
    fi
    with_lock end planned_manager -q "$@" || fail "$(error_code repository-unreachable)" "$(error_text)"
    if grep -qi 'Ignoring repositories\|Failed to download metadata\|Cannot download repomd\|skipping\.$' "$work/log"; then
        fail repository-unreachable "$(error_text)"
    fi
}

# Which updates are security updates only advisories say. The manager itself takes a repository without any for one without security
# updates; its index of what it has, which was fetched a moment ago, tells the two apart.
need_advisories() {
    case $kind in
        dnf5) cache=/var/cache/libdnf5 option=system_cachedir file=/etc/dnf/dnf.conf ;;
        dnf) cache=/var/cache/dnf option=cachedir file=/etc/dnf/dnf.conf ;;
        yum) cache=/var/cache/yum option=cachedir file=/etc/yum.conf ;;
    esac
    own=$(sed -n "s/^$option *= *\([^\$]*\).*/\1/p" "$file" 2>/dev/null | tail -n 1)
    # The id is a directory's name, followed in all but yum by a hash. yum has it below its architecture and release.
    find "${own:-$cache}" -name repomd.xml -exec grep -l '<data type="updateinfo' {} + 2>/dev/null \
        | sed 's|/repodata/repomd\.xml$||; s|/repomd\.xml$||; s|.*/||; p; s/-[0-9a-f]\{16\}$//' >"$work/advising"
    awk 'FILENAME ~ /\/advising$/ { advising[$1] = 1; next } !($1 in advising)' "$work/advising" "$work/repositories" >"$work/silent"
    [ "$(wc -l <"$work/silent")" -lt "$(wc -l <"$work/repositories")" ] \
        || fail no-advisories 'No repository has advisories, so nobody can tell which updates are security updates.'
    [ ! -s "$work/silent" ] || warn "Without advisories, so that security updates from there are not known: $(tr '\n' ' ' <"$work/silent" | sed 's/ $//')"
}

# What the manager itself would do, by asking it and saying no. Its table has a package a line, of name, architecture,
# version, repository and size; a long name stands alone on the line before.
make_plan() {
    with_lock end planned_upgrade --assumeno upgrade || grep -qi 'Operation aborted\|Exiting on user command\|Operation aborted by the user' "$work/log" \
        || fail "$(error_code dnf-failed)" "$(error_text)"
    read_table
    [ ! -s "$work/removals" ] || fail would-remove "The update would remove: $(tr '\n' ' ' <"$work/removals")"
    mark_security
}

# Writes plan, removals and what is replaced by a package of another name, from the table in the log. dnf 5 says "replacing" of every
# older version, too.
read_table() {
    LC_ALL=C awk -v OFS='\t' -v plan="$work/planned" -v removals="$work/removals" -v replaced="$work/replacing" '
        function take(name, arch, version, repository) {
            sub(/^0:/, "", version) # dnf 5 writes every epoch
            if (section == "remove") print name > removals
            else print name, arch, version, repository > plan
        }
        BEGIN { printf "" > plan; printf "" > removals; printf "" > replaced }
        /^(Upgrading|Updating|Installing|Reinstalling|Downgrading|Installing for group [^:]*|Installing dependencies|Installing for dependencies|Updating for dependencies|Installing weak dependencies|Installing group\/module packages):/ { section = "install"; next }
        /^(Removing|Removing dependent packages|Removing unused dependencies|Removing for dependencies|Removing unneeded packages):/ { section = "remove"; next }
        /^(Transaction Summary|Nothing to do|Is this ok|=+$)/ || /^[^ ].*:$/ { section = ""; next } # such as what is skipped
        section == "" { next }
        $1 == "replacing" { held = ""; name = $2; if (NF == 3) sub(/[.][^.]*$/, "", name); print name > replaced; next }
        NF == 1 { held = $1; next }
        held != "" && NF >= 5 { take(held, $1, $2, $3); held = ""; next }
        NF >= 5 { take($1, $2, $3, $4) }' "$work/log"
    # Names as the database has them, with the version it has now.
    awk -F '\t' -v OFS='\t' '
        FILENAME == ARGV[1] { version[$1] = $3; next }
        { name = $1; if (!(name in version) && (name "." $2) in version) name = name "." $2; print name, version[name], $3, 0, $4 }' \
        "$work/before" "$work/planned" >"$work/plan"
    awk -F '\t' 'FILENAME ~ /\/planned$/ { planned[$1] = 1; next } !($1 in planned) && !seen[$1]++' "$work/planned" "$work/replacing" >"$work/replaced"
}

# Which of the planned are in a security advisory. A look that failed must not read as "none is".
mark_security() {
    case $kind in
        dnf5) with_lock end planned_manager -q advisory list --security --updates || fail "$(error_code dnf-failed)" "$(error_text)" ;;
        dnf) with_lock end planned_manager -q updateinfo list --updates security || fail "$(error_code dnf-failed)" "$(error_text)" ;;
        yum) with_lock end planned_manager -q updateinfo list security || fail "$(error_code dnf-failed)" "$(error_text)" ;;
    esac
    awk -F '\t' -v OFS='\t' '
        FILENAME == ARGV[1] { count = split($0, word, " "); for (i = 1; i <= count; i++) advised[word[i]] = 1; next }
        {
            plain = $3; sub(/^[0-9]+:/, "", plain)
            hit = 0
            base = $1; sub(/[.](noarch|x86_64|aarch64|i686)$/, "", base)
            for (one in advised) {
                if (index(one, base "-" plain ".") == 1 || index(one, base "-" $3 ".") == 1) hit = 1
            }
            print $1, $2, $3, hit, $5
        }' "$work/log" "$work/plan" >"$work/marked" && mv "$work/marked" "$work/plan"
}

# Writes held and kept: what could be upgraded and is not. All that is pending is asked for without our exclusions, and
# then without the machine's own, which are a person's holds.
find_held() {
    pending "$everything" --disableplugin=versionlock >"$work/all" || pending "$everything" >"$work/all" \
        || fail "$(error_code dnf-failed)" "$(error_text)"
    pending >"$work/allowed" || fail "$(error_code dnf-failed)" "$(error_text)"
    matched "$work/all" >"$work/excluded"
    awk -F '\t' -v OFS='\t' '
        FILENAME ~ /\/plan$/ { planned[$1] = 1; next }
        FILENAME ~ /\/allowed$/ { allowed[$1] = 1; next }
        FILENAME ~ /\/excluded$/ { excluded[$1] = 1; next }
        $1 in planned || seen[$1]++ { next }
        !($1 in allowed) { print $1, "held-before"; next }
        $1 in excluded { print $1, "excluded" }' "$work/plan" "$work/allowed" "$work/excluded" "$work/all" >"$work/held"
    [ -z "$security_only" ] || { warn_of_others; return; }
    awk -F '\t' '
        FILENAME ~ /\/plan$/ || FILENAME ~ /\/held$/ { known[$1] = 1; next }
        !($1 in known) && !seen[$1]++ { print $1 }' "$work/plan" "$work/held" "$work/all" >"$work/kept"
}

warn_of_others() {
    others=$(awk -F '\t' 'FILENAME ~ /\/plan$/ || FILENAME ~ /\/held$/ { known[$1] = 1; next } !($1 in known) && !seen[$1]++' "$work/plan" "$work/held" "$work/all" | wc -l)
    [ "$others" -eq 0 ] || warn "Left out, as only security updates were asked for: $others other updates."
}

# pending OPTION...: names of all that a repository has newer.
pending() {
    # check-update says 100 when there are some, and a quiet one of yum nothing else.
    if [ "$kind" = yum ]; then set -- "$@" list updates; else set -- "$@" check-update; fi
    with_lock end planned_manager -q "$@"
    case $rc in 0 | 100) ;; *) return 1 ;; esac
    LC_ALL=C awk '
        /^Obsoleting [Pp]ackages/ { exit }
        NF == 1 { held = $1; next }
        held != "" && NF == 2 { name = held; held = ""; sub(/[.][^.]*$/, "", name); print name; next }
        NF == 3 { name = $1; sub(/[.][^.]*$/, "", name); print name }' "$work/log"
}

find_autoremovals() {
    with_lock end planned_manager --assumeno autoremove || grep -qi 'aborted\|Exiting on user command' "$work/log" || fail "$(error_code dnf-failed)" "$(error_text)"
    cp "$work/plan" "$work/plan.kept"
    read_table
    cat "$work/removals" >>"$work/autoremovals"
    mv "$work/plan.kept" "$work/plan"
    : >"$work/removals"
}

# Everything is fetched before anything is changed: a request to stop can be followed at once for the longer part.
apply_plan() {
    with_lock end planned_upgrade -y --downloadonly upgrade || fail "$(error_code repository-unreachable)" "$(error_text)"
    with_lock wait planned_upgrade -y upgrade
    status=$?
}

# error_code DEFAULT: what the last command's log says was wrong.
error_code() {
    if lock_is_taken; then
        echo lock-timeout
    elif grep -qi 'No space left on device\|needs .* more space\|more space needed' "$work/log"; then
        echo no-space
    elif grep -qi 'no enabled repos' "$work/log"; then
        echo no-repositories
    elif grep -qi 'Failed to download metadata\|Cannot download\|Cannot retrieve\|Errors during downloading\|Curl error\|No more mirrors\|repomd' "$work/log"; then
        echo repository-unreachable
    else
        echo "$1"
    fi
}

error_text() {
    text=$(grep -i '^Error\|^ *Problem\|Curl error\|^error:\|No space left\|Failed' "$work/log" | head -n 4 | cut -c 1-300)
    printf '%s\n' "${text:-$(tail -n 3 "$work/log" | cut -c 1-300)}"
}

# In braces, so that this line does nothing either unless all of it has arrived: "main" alone would apply.
# shellcheck disable=SC2317 # reached when main returns, which it does not
{ main "$@" </dev/null; exit; }
