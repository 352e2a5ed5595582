using Microsoft.Playwright;

namespace NannyOrleans.Browsing;

/// <summary>How somebody looks at a page.</summary>
/// <param name="Name">Its name in pictures.</param>
/// <param name="Scheme">What he has told his system he prefers.</param>
/// <param name="Width">Of the window, in CSS pixels.</param>
/// <param name="Height">Of the window, in CSS pixels.</param>
internal sealed record Look(string Name, ColorScheme Scheme, int Width = 1440, int Height = 900)
{
    public static readonly Look Light = new("light", ColorScheme.Light);

    /// <summary>As most people have it: with the movements that pictures and looks at colours are spared.</summary>
    public static readonly Look Moving = Light with { Name = "moving", Moves = true };

    public static readonly Look Dark = new("dark", ColorScheme.Dark);

    /// <summary>A phone, held upright.</summary>
    public static readonly Look Phone = new("phone-light", ColorScheme.Light, 390, 844);

    public static readonly Look DarkPhone = new("phone-dark", ColorScheme.Dark, 390, 844);

    /// <summary>The narrowest phone that is still in use.</summary>
    public static readonly Look NarrowPhone = new("narrow-phone", ColorScheme.Light, 360, 640);

    public static readonly IReadOnlyList<Look> All = [Light, Dark, Phone, DarkPhone, NarrowPhone];

    public bool IsPhone => Width < 600;

    /// <summary>Whether movement is wanted.</summary>
    public bool Moves { get; init; }

    /// <summary>A context of the browser that looks so.</summary>
    public BrowserNewContextOptions At(Uri server) => new()
    {
        BaseURL = server.ToString(),
        ColorScheme = Scheme,
        ViewportSize = new() { Width = Width, Height = Height },
        IsMobile = IsPhone,
        HasTouch = IsPhone,
        ReducedMotion = Moves ? ReducedMotion.NoPreference : ReducedMotion.Reduce, // a picture of half a movement is another one each time
        Locale = "en-GB",
        TimezoneId = "UTC",
    };
}
