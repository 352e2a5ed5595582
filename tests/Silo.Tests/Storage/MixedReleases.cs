using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace NannyOrleans.Silo.Tests.Storage;

/// <summary>The JSON of a release to come, in which each record has gained a field.</summary>
internal static class MixedReleases
{
    public const string Gained = "of_a_later_release";

    public static readonly JsonSerializerOptions Later = Gain(Wire.Configure(new()));

    /// <summary>Has each record written with a field more.</summary>
    public static JsonSerializerOptions Gain(JsonSerializerOptions json)
    {
        json.TypeInfoResolver = json.TypeInfoResolver!.WithAddedModifier(type =>
        {
            if (type.Kind is JsonTypeInfoKind.Object)
            {
                var gained = type.CreateJsonPropertyInfo(typeof(int[]), Gained);
                gained.Get = _ => new[] { 1, 2 };
                type.Properties.Add(gained);
            }
        });
        return json;
    }
}
