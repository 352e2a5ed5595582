using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;
using NannyOrleans.Domain.Agents;

namespace NannyOrleans.Api.Agents;

/// <summary>How rows look in the OpenAPI document: one of their kinds, which callers tell apart by <c>proxmox_role</c>.</summary>
internal sealed class AgentRowSchema : IOpenApiSchemaTransformer
{
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
