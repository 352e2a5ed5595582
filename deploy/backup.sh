#!/bin/sh
# backup.sh DIRECTORY [KEEP]: saves the server's data into DIRECTORY/TIME while it runs, and then removes all such but the KEEP (14) newest.
# In the server's own environment, as nanny-backup.service has it. The keys are in what it writes: whoever reads that can give out tokens
# and sign scripts. Only a backup on another machine helps when this one is gone.
set -eu
umask 077

directory=${1:?usage: backup.sh DIRECTORY [KEEP]}
keep=${2:-14}
[ "$keep" -ge 1 ] || { echo "KEEP is a number of backups, 1 or more: $keep" >&2; exit 2; }

mkdir -p "$directory"
"${NANNY_PROGRAM:-/opt/nannyorleans/api/nanny-api}" backup "$directory/$(date -u +%Y-%m-%dT%H%M%SZ)"

# Names sort by time. What has no backup.json is no backup of ours, and stays.
for saved in "$directory"/[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9][0-9][0-9][0-9][0-9]Z; do
    [ ! -f "$saved/backup.json" ] || printf '%s\n' "$saved"
done | sort -r | tail -n "+$((keep + 1))" | while IFS= read -r old; do
    rm -r -- "$old"
done
