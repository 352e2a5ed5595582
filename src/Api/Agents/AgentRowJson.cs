using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;
using NannyOrleans.Domain.Agents;

namespace NannyOrleans.Api.Agents;

/// <summary>
/// Rows over HTTP: the guide's fields alone. What our own processes tell the kinds apart by (<c>$type</c>) is left out; callers have
/// <c>proxmox_role</c> for that.
/// </summary>
internal sealed class AgentRowJson : IOpenApiSchemaTransformer
{
    /// <summary>Changes how <see cref="AgentRow"/> is written.</summary>
    public static void WithoutDiscriminator(JsonTypeInfo type)
    {
        if (type.Type == typeof(AgentRow))
        {
            type.PolymorphismOptions = null;
        }
    }

    /// <summary>Says in the document which kinds of rows there are.</summary>
    public async Task TransformAsync(OpenApiSchema schema, OpenApiSchemaTransformerContext context, CancellationToken cancellationToken)
    {
        if (context.JsonTypeInfo.Type == typeof(AgentRow))
        {
            schema.Properties?.Clear();
            schema.Required?.Clear();
            schema.AnyOf = [];
            foreach (var kind in (Type[])[typeof(HostRow), typeof(GuestRow), typeof(MachineRow)])
            {
                schema.AnyOf.Add(await context.GetOrCreateSchemaAsync(kind, cancellationToken: cancellationToken));
            }
        }
    }
}
