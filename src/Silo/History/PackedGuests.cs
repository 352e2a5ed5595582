using System.Buffers.Binary;
using NannyOrleans.Domain.Metrics;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Silo.History;

/// <summary>
/// Five minutes of a host's guests in a row of the database: a byte for the version, then forty bytes for each guest, by vmid. As JSON a
/// hundred guests would take eight times the space, and reading the curve of one guest would be reading all others of its cluster.
/// </summary>
internal static class PackedGuests
{
    private const byte Version = 1;
    private const int Figures = 9;
    private const int Size = sizeof(int) + (Figures * sizeof(float));

    /// <summary>Packs guests, which are in the order of their vmids. A figure that is not known is NaN.</summary>
    public static byte[] Pack(IReadOnlyList<GuestRollup> guests)
    {
        var packed = new byte[1 + (guests.Count * Size)];
        packed[0] = Version;
        for (var index = 0; index < guests.Count; index++)
        {
            var guest = guests[index];
            var record = packed.AsSpan(1 + (index * Size), Size);
            BinaryPrimitives.WriteInt32LittleEndian(record, guest.Vmid.Value);
            ReadOnlySpan<double?> figures =
            [
                guest.CpuCores, guest.MemoryUsedBytes, guest.MemoryBytes, guest.DiskUsedBytes, guest.DiskBytes,
                guest.DiskReadPerSecond, guest.DiskWritePerSecond, guest.NetworkInPerSecond, guest.NetworkOutPerSecond,
            ];
            for (var figure = 0; figure < Figures; figure++)
            {
                BinaryPrimitives.WriteSingleLittleEndian(record[(sizeof(int) + (figure * sizeof(float)))..], (float)(figures[figure] ?? double.NaN));
            }
        }

        return packed;
    }

    /// <summary>All guests.</summary>
    /// <exception cref="InvalidDataException">It is not what this program packs.</exception>
    public static IReadOnlyList<GuestRollup> Unpack(byte[] packed) => [.. Enumerable.Range(0, CountOf(packed)).Select(index => At(packed, index))];

    /// <summary>One guest; null when it is not there.</summary>
    /// <exception cref="InvalidDataException">It is not what this program packs.</exception>
    public static GuestRollup? Find(byte[] packed, Vmid vmid)
    {
        var (low, high) = (0, CountOf(packed) - 1);
        while (low <= high)
        {
            var middle = (low + high) / 2;
            switch (BinaryPrimitives.ReadInt32LittleEndian(packed.AsSpan(1 + (middle * Size))).CompareTo(vmid.Value))
            {
                case 0: return At(packed, middle);
                case < 0: low = middle + 1; break;
                default: high = middle - 1; break;
            }
        }

        return null;
    }

    private static int CountOf(byte[] packed) => packed is [Version, ..] && (packed.Length - 1) % Size is 0
        ? (packed.Length - 1) / Size
        : throw new InvalidDataException("A row's guests are not what this program packs.");

    private static GuestRollup At(byte[] packed, int index)
    {
        var start = 1 + (index * Size);
        return new(new(BinaryPrimitives.ReadInt32LittleEndian(packed.AsSpan(start))))
        {
            CpuCores = Figure(0),
            MemoryUsedBytes = Figure(1),
            MemoryBytes = Figure(2),
            DiskUsedBytes = Figure(3),
            DiskBytes = Figure(4),
            DiskReadPerSecond = Figure(5),
            DiskWritePerSecond = Figure(6),
            NetworkInPerSecond = Figure(7),
            NetworkOutPerSecond = Figure(8),
        };

        double? Figure(int number) => BinaryPrimitives.ReadSingleLittleEndian(packed.AsSpan(start + sizeof(int) + (number * sizeof(float)))) is var figure && float.IsFinite(figure) ? figure : null;
    }
}
