using System.Text.Json.Serialization;

namespace NannyOrleans.Protocol;

/// <summary>
/// Reads and writes an enum by its members' names alone. The framework's converter takes numbers too, even such as name no member, and a
/// number would change its meaning with the order of the members.
/// </summary>
/// <typeparam name="T">The enum.</typeparam>
public sealed class WireEnumConverter<T>() : JsonStringEnumConverter<T>(namingPolicy: null, allowIntegerValues: false)
    where T : struct, Enum;
