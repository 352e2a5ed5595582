using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics;
using System.Security.Cryptography;
using System.Text.Json;
using NannyOrleans.Agent.Proxmox;
using NannyOrleans.Protocol;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;

namespace NannyOrleans.Agent.Inventories;

/// <summary>
/// What of each inventory is said to the server: all of it first, then guests that changed. Of what was said only a hash a guest is remembered.
/// Not for use from two places at once.
/// </summary>
internal sealed class InventoryReports(IInventories inventories)
{
    private readonly ArrayBufferWriter<byte> buffer = new();
    private Dictionary<Vmid, UInt128>? said;
    private string? saidFingerprint;
    private Inventory? underWay;
    private Dictionary<Vmid, UInt128>? underWayGuests;
    private DateTimeOffset? askedAt;

    /// <summary>The next report is whole: a new connection, or somebody asked.</summary>
    public void BeginAnew() => (said, saidFingerprint, underWay, underWayGuests) = (null, null, null, null);

    /// <summary>Somebody asks for a new look: at one guest, or at all.</summary>
    public void Take(Discover ask)
    {
        if (!ask.HostOnly)
        {
            inventories.Forget(ask.Vmid); // to find it out again means to enter containers
        }

        askedAt = ask.AskedAt ?? askedAt;
        BeginAnew();
    }

    /// <summary>Looks at the host and makes a report of it. Until <see cref="Taken"/> it counts as not said.</summary>
    public async Task<Inventory> Next(CancellationToken cancellationToken)
    {
        var began = Stopwatch.GetTimestamp();
        var (whole, places) = await inventories.Collect(cancellationToken);
        (underWay, underWayGuests) = Report(whole, places);
        underWay = underWay with { AgeSeconds = (int)Math.Ceiling(Stopwatch.GetElapsedTime(began).TotalSeconds), AskedAt = askedAt };
        return underWay;
    }

    /// <summary>The server has answered; null is a server that takes all it gets.</summary>
    /// <returns>Whether a whole report is wanted at once.</returns>
    public bool Taken(InventoryAnswer? answer)
    {
        var (report, guests) = (underWay, underWayGuests);
        BeginAnew();
        if (answer is { NeedsWhole: true })
        {
            return report is { Since: not null }; // asked for more than a whole one, it has to wait
        }

        (said, saidFingerprint) = (guests, report?.Fingerprint);
        return false;
    }

    /// <summary>What is sent of an inventory, and the hashes of all its guests (null when they could not be listed).</summary>
    private (Inventory Report, Dictionary<Vmid, UInt128>? Guests) Report(Inventory whole, IReadOnlyDictionary<Vmid, GuestPlace>? places)
    {
        // Outside Proxmox VE there are no guests whose changes could be said.
        if (whole.Guests is null || whole.ClusterId is { IsMachine: true })
        {
            return (Fitting(whole), null);
        }

        var now = new Dictionary<Vmid, UInt128>(whole.Guests.Count);
        var changed = said is null ? null : new List<GuestSeen>();
        foreach (var guest in whole.Guests)
        {
            var hash = Hash(guest);
            now[guest.Vmid] = hash;
            if (said is not null && (!said.TryGetValue(guest.Vmid, out var before) || before != hash))
            {
                changed!.Add(guest);
            }
        }

        whole = whole with { Fingerprint = FingerprintOf(now) };
        var report = Fitting(changed is null ? whole : whole with
        {
            Guests = changed,
            Since = saidFingerprint,
            Gone = Gone(now, places),
            Cluster = whole.Cluster is { } cluster ? cluster with { GuestsByNode = null } : null,
        });
        return (report, report.Guests is null ? null : now);
    }

    private List<GuestGone> Gone(Dictionary<Vmid, UInt128> now, IReadOnlyDictionary<Vmid, GuestPlace>? places)
    {
        var gone = new List<GuestGone>();
        foreach (var vmid in said!.Keys)
        {
            if (!now.ContainsKey(vmid))
            {
                NodeName? node = places is not null && places.TryGetValue(vmid, out var place) ? place.Node : null;
                gone.Add(new(vmid, node, Deleted: places is not null && node is null));
            }
        }

        gone.Sort((one, other) => one.Vmid.CompareTo(other.Vmid));
        return gone;
    }

    private UInt128 Hash(GuestSeen guest)
    {
        buffer.ResetWrittenCount();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            JsonSerializer.Serialize(writer, guest, ProtocolJson.Default.GuestSeen);
        }

        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(buffer.WrittenSpan, hash);
        return BinaryPrimitives.ReadUInt128BigEndian(hash);
    }

    /// <summary>One text for all guests together, whatever their order was.</summary>
    private static string FingerprintOf(Dictionary<Vmid, UInt128> guests)
    {
        using var all = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> row = stackalloc byte[sizeof(int) + 16];
        var order = new List<int>(guests.Count);
        foreach (var vmid in guests.Keys)
        {
            order.Add(vmid.Value);
        }

        order.Sort();
        foreach (var vmid in order)
        {
            BinaryPrimitives.WriteInt32BigEndian(row, vmid);
            BinaryPrimitives.WriteUInt128BigEndian(row[sizeof(int)..], guests[new(vmid)]);
            all.AppendData(row);
        }

        return Convert.ToHexStringLower(all.GetHashAndReset());
    }

    // The server's limit is 4 MiB. A host with thousands of guests is told of without what is longest, and says so.
    private static Inventory Fitting(Inventory report)
    {
        if (Size(report) <= LargestReport || report.Guests is null)
        {
            return report;
        }

        var less = report with
        {
            Guests = [.. report.Guests.Select(guest => guest with { Disks = null, Networks = null })],
            Problems = [.. report.Problems, "the inventory was too long to send: the guests' disks and networks are left out"],
        };
        return Size(less) <= LargestReport ? less : report with
        {
            Guests = null,
            Fingerprint = null,
            Since = null,
            Gone = null,
            Problems = [.. report.Problems, "the inventory was too long to send: the guests are left out"],
        };
    }

    private static long Size(Inventory report)
    {
        using var counter = new CountingStream();
        JsonSerializer.Serialize(counter, report, ProtocolJson.Default.Inventory);
        return counter.Length;
    }

    private const long LargestReport = 3_670_016; // 3.5 MiB

    private sealed class CountingStream : Stream
    {
        private long length;

        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => length;

        public override long Position { get => length; set => throw new NotSupportedException(); }

        public override void Flush()
        {
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => length += count;

        public override void Write(ReadOnlySpan<byte> buffer) => length += buffer.Length;
    }
}
