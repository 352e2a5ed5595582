using System.Globalization;
using System.Text;
using NannyOrleans.Agent.Proxmox;

namespace NannyOrleans.Agent.Diagnoses;

/// <summary>
/// The one read-only look into a container: a shell script any distribution's <c>sh</c> runs, each of whose lines begins with what it is about.
/// What comes late is missed, not guessed: each part ends with a line that says it was reached.
/// </summary>
internal static class InsideScript
{
    /// <summary>The script. Its one parameter goes before every path: empty, but for a machine made for trying things out.</summary>
    public const string Text =
        """
        PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C
        export PATH LC_ALL
        root=$1
        say() { key=$1; shift; "$@" 2>/dev/null | head -n 500 | cut -c 1-500 | sed "s/^/$key /"; }
        if [ -r "$root/etc/os-release" ]; then say os cat "$root/etc/os-release"; else say os cat "$root/usr/lib/os-release"; fi
        for tool in apt-get dnf yum zypper pacman apk; do
          command -v "$tool" >/dev/null 2>&1 && echo "tool $tool"
        done
        echo 'done tool'
        for file in "$root"/etc/apt/sources.list "$root"/etc/apt/sources.list.d/*.list "$root"/etc/apt/sources.list.d/*.sources \
            "$root"/etc/yum.repos.d/*.repo "$root"/etc/zypp/repos.d/*.repo "$root"/etc/pacman.d/mirrorlist "$root"/etc/apk/repositories; do
          [ -f "$file" ] || continue
          if [ -r "$file" ]; then echo "file $file"; say source cat "$file"; else echo "unread $file"; fi
        done
        echo 'done source'
        if [ -r "$root/proc/net/route" ]; then
          say route cat "$root/proc/net/route"
          say route6 cat "$root/proc/net/ipv6_route"
          echo 'done route'
        fi
        for place in / /var; do say free timeout 5 df -Pk "$root$place"; done
        echo 'done free'
        say memory grep MemAvailable: "$root/proc/meminfo"
        if command -v dpkg >/dev/null 2>&1 && [ -r "$root/var/lib/dpkg/status" ]; then
          say database timeout 10 dpkg --admindir="$root/var/lib/dpkg" --audit
          for file in "$root"/var/lib/dpkg/updates/[0-9]*; do
            [ -e "$file" ] && echo 'database dpkg was interrupted while it wrote its database' && break
          done
          echo 'done database'
        elif command -v rpm >/dev/null 2>&1; then
          timeout 10 rpm -q rpm >/dev/null 2>&1 || echo 'database rpm cannot read its database'
          echo 'done database'
        elif command -v pacman >/dev/null 2>&1; then
          [ -e "$root/var/lib/pacman/db.lck" ] && echo 'database /var/lib/pacman/db.lck is there: pacman works or was interrupted'
          echo 'done database'
        elif command -v apk >/dev/null 2>&1; then
          timeout 10 apk info -e apk-tools >/dev/null 2>&1 || echo 'database apk cannot read its database'
          echo 'done database'
        fi
        """;

    /// <summary>Looks a name up: 0 when it has an address, 2 when not, 99 when nothing here can tell.</summary>
    public const string LookUp =
        """
        PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
        export PATH
        if command -v getent >/dev/null 2>&1; then timeout 10 getent hosts "$1" >/dev/null 2>&1
        elif command -v nslookup >/dev/null 2>&1; then timeout 10 nslookup "$1" >/dev/null 2>&1
        else exit 99; fi || exit 2
        """;

    /// <summary>Reads what it printed.</summary>
    public static InsideSeen Parse(string output)
    {
        var (os, tools, files, free, database) = (new StringBuilder(), new List<string>(), new List<SourceFile>(), new List<long>(), new List<string>());
        var reached = new HashSet<string>(StringComparer.Ordinal);
        var (route, memory) = (false, (long?)null);
        foreach (var line in output.Split('\n'))
        {
            var blank = line.IndexOf(' ', StringComparison.Ordinal);
            var (key, value) = blank > 0 ? (line[..blank], line[(blank + 1)..]) : (line, string.Empty);
            switch (key)
            {
                case "os": os.Append(value).Append('\n'); break;
                case "tool": tools.Add(value); break;
                case "file" when files.Count < MostFiles: files.Add(new(value, string.Empty)); break;
                case "unread" when files.Count < MostFiles: files.Add(new(value, null)); break;
                case "source" when files is [.., { Text: { } before } last]: files[^1] = last with { Text = $"{before}{value}\n" }; break;
                case "route": route |= IsDefault(Words(value)); break;
                case "route6": route |= Words(value) is [AnyAddress, "00", _, _, _, _, _, _, _, not "lo", ..]; break;
                case "free" when Words(value) is [_, _, _, var kibibytes, _, ..] && Number(kibibytes) is { } number: free.Add(number); break;
                case "memory" when Words(value) is [_, var available, ..]: memory = Number(available); break;
                case "database" when value.Trim().Length > 0: database.Add(value); break;
                case "done": reached.Add(value); break;
            }
        }

        return new()
        {
            Os = OsReleaseFile.Parse(os.ToString()),
            PackageTools = reached.Contains("tool") ? tools : null,
            Sources = reached.Contains("source") ? files : null,
            HasDefaultRoute = reached.Contains("route") ? route : null,
            FreeKibibytes = reached.Contains("free") && free.Count is 2 ? free : null,
            MemoryKibibytes = memory,
            Database = reached.Contains("database") ? database : null,
        };
    }

    // Iface Destination Gateway Flags RefCnt Use Metric Mask …
    private static bool IsDefault(string[] fields) => fields is [_, "00000000", _, var flags, _, _, _, "00000000", ..]
        && int.TryParse(flags, NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var bits) && (bits & Up) is not 0;

    private static string[] Words(string text) => text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);

    private static long? Number(string text) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    private const string AnyAddress = "00000000000000000000000000000000";
    private const int Up = 1;
    private const int MostFiles = 200;
}
