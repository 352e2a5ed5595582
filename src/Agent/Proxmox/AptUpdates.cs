using System.Text.Json;

namespace NannyOrleans.Agent.Proxmox;

/// <summary>Proxmox VE's list of pending updates: a JSON array, an object for each package. Held packages are left out of it.</summary>
internal static class AptUpdates
{
    /// <summary>How many there are; null when it is not that list.</summary>
    public static int? Count(ReadOnlySpan<byte> json)
    {
        try
        {
            // Read on the way through: the rows hold descriptions, and a host can be a year behind.
            var reader = new Utf8JsonReader(json);
            var count = 0;
            if (!reader.Read() || reader.TokenType is not JsonTokenType.StartArray)
            {
                return null;
            }

            var named = true;
            while (reader.Read())
            {
                switch (reader)
                {
                    case { CurrentDepth: 1, TokenType: JsonTokenType.StartObject }:
                        count++;
                        named = false;
                        break;
                    case { CurrentDepth: 1, TokenType: JsonTokenType.EndObject } when !named:
                    case { CurrentDepth: 1, TokenType: not JsonTokenType.EndObject }:
                        return null;
                    case { CurrentDepth: 2, TokenType: JsonTokenType.PropertyName }:
                        named |= reader.ValueTextEquals("Package"u8);
                        break;
                }
            }

            return count;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException) // the latter: half a surrogate pair
        {
            return null;
        }
    }
}
