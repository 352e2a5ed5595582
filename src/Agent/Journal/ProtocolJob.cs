using System.Text.Json;
using System.Text.Json.Serialization;
using NannyOrleans.Protocol;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Agent.Journal;

/// <summary>Writes a job into the agent's files as the protocol does: what is generated for all its kinds is in the binary once.</summary>
internal sealed class ProtocolJob : JsonConverter<Job>
{
    /// <inheritdoc/>
    public override Job? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => JsonSerializer.Deserialize(ref reader, ProtocolJson.Default.Job);

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, Job value, JsonSerializerOptions options) => JsonSerializer.Serialize(writer, value, ProtocolJson.Default.Job);
}
