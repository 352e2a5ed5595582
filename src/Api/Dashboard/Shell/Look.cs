using MudBlazor;

namespace NannyOrleans.Api.Dashboard.Shell;

/// <summary>The dashboard's colours and letters. Each pair of text and ground has a contrast of 4.5 to 1 or more (WCAG 2.2, 1.4.3), in light and in dark.</summary>
internal static class Look
{
    private static readonly string[] Letters = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "sans-serif"];

    public static readonly MudTheme Theme = new()
    {
        PaletteLight = new PaletteLight
        {
            Primary = "#0b5cad",
            Secondary = "#6a3fa0",
            Info = "#0b5cad",
            Success = "#1b6e2e",
            Warning = "#8a5300",
            Error = "#b3261e",
            Background = "#f5f6f8",
            Surface = "#ffffff",
            AppbarBackground = "#14202e",
            AppbarText = "#ffffff",
            DrawerBackground = "#ffffff",
            DrawerText = "#26323f",
            DrawerIcon = "#4a5868",
            TextPrimary = "#1a232d",
            TextSecondary = "#4a5868",
            ActionDefault = "#4a5868",
            LinesDefault = "#d5dae0",
            TableLines = "#e3e7ec",
            Divider = "#d5dae0",
            WarningContrastText = "#ffffff",
            SuccessContrastText = "#ffffff",
            InfoContrastText = "#ffffff",
        },
        PaletteDark = new PaletteDark
        {
            Primary = "#7cb8f5",
            Secondary = "#c3a2f0",
            Info = "#7cb8f5",
            Success = "#7fd494",
            Warning = "#f0b254",
            Error = "#ff9d94",
            Background = "#10161d",
            Surface = "#18212b",
            AppbarBackground = "#0b1017",
            AppbarText = "#ffffff",
            DrawerBackground = "#141c25",
            DrawerText = "#d3dbe4",
            DrawerIcon = "#a9b5c2",
            TextPrimary = "#e8edf2",
            TextSecondary = "#b3bfcb",
            ActionDefault = "#b3bfcb",
            LinesDefault = "#324050",
            TableLines = "#2a3644",
            Divider = "#324050",
            PrimaryContrastText = "#0b1017",
            SecondaryContrastText = "#0b1017",
            InfoContrastText = "#0b1017",
            SuccessContrastText = "#0b1017",
            WarningContrastText = "#0b1017",
            ErrorContrastText = "#0b1017",
        },
        Typography = new()
        {
            Default = new DefaultTypography { FontFamily = Letters },
            Button = new ButtonTypography { TextTransform = "none" },
        },
        LayoutProperties = new() { DefaultBorderRadius = "6px", DrawerWidthLeft = "220px" },
    };
}
