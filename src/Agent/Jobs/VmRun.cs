using System.Globalization;

namespace NannyOrleans.Agent.Jobs;

/// <summary>
/// A job's run inside a VM, as small shell scripts for <c>qm guest exec</c>. The guest agent forgets what it started when it restarts, which
/// the upgrade of its own package makes it do, so everything about the run is in a directory of the VM, named by the job.
/// </summary>
internal static class VmRun
{
    /// <summary>Where the directories are: on a disk, so that a claim outlives a reboot of the VM.</summary>
    public const string Folder = "/var/lib/nannyagent-jobs";

    /// <summary>Where systemd shows that it is the VM's init.</summary>
    public const string Systemd = "/run/systemd/system";

    /// <summary>
    /// Claims the job and starts it: FOLDER JOB SYSTEMD SHA256 COMMAND..., which runs in the directory, where standard input is kept as
    /// the file <c>script</c>. Says <c>started</c>, <c>claimed</c> when it was claimed before (nothing is started), or <c>damaged</c>.
    /// </summary>
    /// <remarks>
    /// Where there is systemd it runs in a unit of its own: a session of its own does not leave the guest agent's control group, and is killed
    /// with it. Whoever makes <c>begun</c> decides whether it runs, since a start that seems to have failed may be on its way. What jobs of
    /// last week have left goes now.
    /// </remarks>
    public const string Start = """
        umask 077
        dir=$1/$2 name=nanny-$2 systemd=$3 hash=$4
        shift 4
        mkdir -p "${dir%/*}" || exit 1
        find "${dir%/*}" -mindepth 1 -maxdepth 1 -type d -mtime +7 -exec rm -rf {} +
        if ! mkdir "$dir" 2>/dev/null; then
          [ -d "$dir" ] || exit 1
          echo claimed
          exit 0
        fi
        prevent() { mkdir "$dir/begun" 2>/dev/null && : >"$dir/prevented"; }
        cd "$dir" && cat /proc/sys/kernel/random/boot_id >boot.new && mv boot.new boot && cat >script || { prevent; exit 1; }
        if [ "$(sha256sum <script | cut -c1-64)" != "$hash" ]; then
          prevent
          echo damaged
          exit 0
        fi
        cat >runner <<'END'
        cd "$1" || exit 1
        shift
        began() { sed 's/.*) //' "/proc/$1/stat" | cut -d' ' -f20; }
        echo "$$ $(began $$)" >runner.pid.new && mv runner.pid.new runner.pid || exit 1
        mkdir begun || exit 1
        setsid "$@" </dev/null >out 2>err &
        echo "$! $(began $!)" >command.pid.new && mv command.pid.new command.pid
        wait $!
        echo $? >code.new && sync && mv code.new code
        END
        sync
        if [ -d "$systemd" ]; then
          systemd-run --quiet --collect --unit "$name" sh "$dir/runner" "$dir" "$@" >/dev/null || { prevent; exit 1; }
        else
          setsid sh "$dir/runner" "$dir" "$@" </dev/null >/dev/null 2>&1 &
        fi
        echo started
        """;

    /// <summary>
    /// Looks: FOLDER JOB out|err OFFSET LENGTH. Says a line with the state, one with the sizes of both outputs, and the block as base64, which
    /// alone comes through the guest agent unharmed. The middle of a flood is given back to the disk, where that can be.
    /// </summary>
    public const string Look = """
        cd "$1/$2" 2>/dev/null || { [ -e "$1/$2" ] && exit 1; echo none; echo 0 0; exit 0; }
        state=claimed
        if [ -f prevented ]; then state=prevented
        elif [ -f boot ] && [ "$(cat boot)" != "$(cat /proc/sys/kernel/random/boot_id)" ]; then state=gone
        elif read -r pid start 2>/dev/null <runner.pid; then
          state=gone
          [ "$(sed 's/.*) //' "/proc/$pid/stat" 2>/dev/null | cut -d' ' -f20)" = "$start" ] &&
            state="runs $(($(cut -d. -f1 /proc/uptime) - start / 100))"
        fi
        [ -f code ] && state="ended $(cat code)"
        echo "$state"
        size() { [ -f "$1" ] && wc -c <"$1" || echo 0; }
        out=$(size out) err=$(size err)
        echo $out $err
        spare() { [ "$2" -le 67108864 ] || fallocate -p -o 8388608 -l $(($2 - 16777216)) "$1" 2>/dev/null; }
        spare out "$out"
        spare err "$err"
        [ ! -f "$3" ] || tail -c +$(($4 + 1)) "$3" | head -c "$5" | base64
        """;

    /// <summary>
    /// Signals what runs: FOLDER JOB TERM|KILL. Only if it is still the process that was started. TERM goes to its group, whose script lets the
    /// package manager end what it has begun; KILL to all below it, since apt gives dpkg a session of its own.
    /// </summary>
    public const string Signal = """
        cd "$1/$2" && read -r pid start <command.pid || exit 1
        [ "$(cat boot)" = "$(cat /proc/sys/kernel/random/boot_id)" ] || exit 0
        [ "$(sed 's/.*) //' "/proc/$pid/stat" 2>/dev/null | cut -d' ' -f20)" = "$start" ] || exit 0
        if [ "$3" = TERM ]; then
          kill -s TERM -- "-$pid" 2>/dev/null || kill -s TERM "-$pid" # dash wants the dashes, BusyBox does not know them
          exit
        fi
        tree=" $pid " more=1
        while [ -n "$more" ]; do
          more=
          for stat in /proc/[0-9]*/stat; do
            read -r line 2>/dev/null <"$stat" || continue
            one=${line%% *} rest=${line##*) }
            rest=${rest#* }
            case $tree in
              *" $one "*) ;;
              *" ${rest%% *} "*) tree="$tree$one " more=1 ;;
            esac
          done
        done
        kill -s KILL $tree
        """;

    /// <summary>
    /// Sees to it that a job which has perhaps not begun never will: FOLDER JOB. Says <c>prevented</c>, or <c>claimed</c> when it came too late.
    /// </summary>
    public const string Prevent = """
        umask 077
        mkdir -p "$1" || exit 1
        mkdir "$1/$2" 2>/dev/null
        if mkdir "$1/$2/begun" 2>/dev/null; then : >"$1/$2/prevented" && echo prevented
        elif [ -f "$1/$2/prevented" ]; then echo prevented
        elif [ -d "$1/$2/begun" ]; then echo claimed
        else exit 1
        fi
        """;

    /// <summary>Removes what a job has left, once its end is known: FOLDER JOB.</summary>
    public const string Remove = """
        rm -rf -- "$1/$2"
        """;

    /// <summary>Reads what <see cref="Look"/> said.</summary>
    /// <param name="output">Its output.</param>
    /// <param name="ofErrors">Whether the block is of standard error.</param>
    /// <param name="offset">Where the block begins.</param>
    /// <param name="length">How long it was to be at most.</param>
    /// <returns>Null when it is not that, or its block is not as long as it must be: what was cut short is never taken for complete.</returns>
    public static VmLook? Parse(string output, bool ofErrors, long offset, int length)
    {
        if (output.Split('\n', 3) is not [var state, var sizes, var encoded] || sizes.Split(' ') is not [var first, var second]
            || Number(first) is not (>= 0 and <= LargestOutput and var stdout) || Number(second) is not (>= 0 and <= LargestOutput and var stderr))
        {
            return null;
        }

        var number = state.Split(' ') is [_, var figure] ? Number(figure) : null;
        state = state.Split(' ')[0];
        if (state is not ("none" or "claimed" or "prevented" or "runs" or "gone" or "ended") || state is "runs" or "ended" && number is null || state is "ended" && number > 255 || number > LongestRun)
        {
            return null;
        }

        try
        {
            // It may have grown between its size and its block, but not shrunk.
            var block = Convert.FromBase64String(encoded);
            var least = Math.Clamp((ofErrors ? stderr : stdout) - offset, 0, length);
            return block.Length >= least && block.Length <= length
                ? new(state, state is "ended" ? (int?)number : null, state is "runs" ? TimeSpan.FromSeconds(number!.Value) : null, stdout, stderr, block)
                : null;
        }
        catch (FormatException)
        {
            return null;
        }
    }

    // A VM may say anything, and a file here is as long as it says.
    private const long LargestOutput = 1L << 40;

    /// <summary>In seconds, a century: more is no time at all.</summary>
    private const long LongestRun = 100L * 366 * 86400;

    private static long? Number(string text) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
}

/// <summary>What a look at a run in a VM has shown.</summary>
/// <param name="State">
/// <c>none</c>: the VM knows nothing of it; <c>claimed</c>: it is about to be; <c>prevented</c>: it never was and never will be; <c>runs</c>;
/// <c>gone</c>: it ended without saying how; <c>ended</c>.
/// </param>
/// <param name="ExitCode">How it ended; null unless it did.</param>
/// <param name="Age">How long it has run by the VM's own count since its boot; null unless it runs.</param>
/// <param name="Out">Bytes of standard output.</param>
/// <param name="Err">Bytes of standard error.</param>
/// <param name="Block">The piece that was asked for.</param>
internal sealed record VmLook(string State, int? ExitCode, TimeSpan? Age, long Out, long Err, byte[] Block);
