using System.Text.Json.Serialization;
using NannyOrleans.Agent.Connection;
using NannyOrleans.Agent.Journal;

namespace NannyOrleans.Agent;

/// <summary>The JSON of the agent's own files and of the token endpoint's answers.</summary>
[JsonSourceGenerationOptions(GenerationMode = JsonSourceGenerationMode.Metadata, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true)]
[JsonSerializable(typeof(Credentials))]
[JsonSerializable(typeof(DeviceAnswer))]
[JsonSerializable(typeof(TokenAnswer))]
[JsonSerializable(typeof(ReceivedJob))]
[JsonSerializable(typeof(JobStart))]
[JsonSerializable(typeof(JobEnd))]
[JsonSerializable(typeof(JobReported))]
internal sealed partial class AgentJson : JsonSerializerContext;
