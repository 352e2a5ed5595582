using System.Globalization;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Rendering;

namespace NannyOrleans.Api.Dashboard.Shell;

/// <summary>A text in a drawing. In a page's own markup <c>text</c> is a word of Razor's.</summary>
public sealed class SvgText : ComponentBase
{
    /// <summary>Where it is.</summary>
    [Parameter, EditorRequired]
    public double X { get; set; }

    /// <summary>Its base line.</summary>
    [Parameter, EditorRequired]
    public double Y { get; set; }

    /// <summary>What it says.</summary>
    [Parameter, EditorRequired]
    public string Text { get; set; } = string.Empty;

    /// <summary>start, middle or end.</summary>
    [Parameter]
    public string Anchor { get; set; } = "start";

    /// <summary>Its class.</summary>
    [Parameter]
    public string Class { get; set; } = "label";

    /// <inheritdoc/>
    protected override void BuildRenderTree(RenderTreeBuilder builder)
    {
        builder.OpenElement(0, "text");
        builder.AddAttribute(1, "class", Class);
        builder.AddAttribute(2, "x", X.ToString(CultureInfo.InvariantCulture));
        builder.AddAttribute(3, "y", Y.ToString(CultureInfo.InvariantCulture));
        builder.AddAttribute(4, "text-anchor", Anchor);
        builder.AddContent(5, Text);
        builder.CloseElement();
    }
}
