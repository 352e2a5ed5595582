using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;
using NannyOrleans.Domain.Agents;

namespace NannyOrleans.Api.Agents;

/// <summary>
/// Takes out of the document what rows are told apart by between our own processes: over HTTP they are written as what they are, and
/// <c>proxmox_role</c> tells them apart.
/// </summary>
internal sealed class AgentRowSchema : IOpenApiSchemaTransformer
{
    private const string Discriminator = "$type";

    public Task TransformAsync(OpenApiSchema schema, OpenApiSchemaTransformerContext context, CancellationToken cancellationToken)
    {
        if (context.JsonTypeInfo.Type.IsAssignableTo(typeof(AgentRow)))
        {
            schema.Discriminator = null;
            schema.Required?.Remove(Discriminator);
            schema.Properties?.Remove(Discriminator);
        }

        return Task.CompletedTask;
    }
}
