using System.Text.Json.Nodes;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;
using NannyOrleans.Protocol;

namespace NannyOrleans.Api.Http;

/// <summary>How the protocol's enums look in the OpenAPI document: the names they are written with. Their converter's own schema says nothing.</summary>
internal sealed class WireEnumSchema : IOpenApiSchemaTransformer
{
    /// <summary>Names an enum's members.</summary>
    public Task TransformAsync(OpenApiSchema schema, OpenApiSchemaTransformerContext context, CancellationToken cancellationToken)
    {
        if (context.JsonTypeInfo.Converter is IWireNames wire)
        {
            schema.Enum = [.. wire.Names.Select(name => (JsonNode)name)];
        }

        return Task.CompletedTask;
    }
}
