using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Rendering;

namespace NannyOrleans.Api.Dashboard.Shell;

/// <summary>
/// The page that an address names. Another thing's page is another page, also where it is of the same kind: what was read or chosen for one, or shown of
/// it once, must never be seen under the name of another. Another question about the same thing stays on its page.
/// </summary>
public sealed class PageView : ComponentBase
{
    /// <summary>What the address names.</summary>
    [Parameter, EditorRequired]
    public Microsoft.AspNetCore.Components.RouteData Route { get; set; } = null!;

    /// <inheritdoc/>
    protected override void BuildRenderTree(RenderTreeBuilder builder)
    {
        builder.OpenComponent(0, Route.PageType);
        builder.SetKey(string.Join('\n', Route.RouteValues.OrderBy(value => value.Key, StringComparer.Ordinal).Select(value => $"{value.Key}={value.Value}")));
        foreach (var (name, value) in Route.RouteValues)
        {
            builder.AddComponentParameter(1, name, value);
        }

        builder.CloseComponent();
    }
}
