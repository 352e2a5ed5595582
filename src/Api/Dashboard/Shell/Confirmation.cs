using MudBlazor;

namespace NannyOrleans.Api.Dashboard.Shell;

/// <summary>Asks a person before something is done.</summary>
internal static class Confirmation
{
    /// <summary>Asks.</summary>
    /// <param name="dialogs">Where dialogs are shown.</param>
    /// <param name="title">The question; harmless text.</param>
    /// <param name="text">What will happen; a paragraph a line. Names in it may be hostile.</param>
    /// <param name="action">What the button says that has it done, such as <c>Reboot it</c>.</param>
    /// <param name="dangerous">Whether it disturbs something or can't be taken back: then the other button has the focus first.</param>
    /// <returns>Whether it is to be done. Escape, and leaving the page, are a no.</returns>
    public static async Task<bool> Confirm(this IDialogService dialogs, string title, string text, string action, bool dangerous = false)
    {
        var asked = await dialogs.ShowAsync<Confirm>(
            Show.Line(title, 200),
            new DialogParameters<Confirm> { { one => one.Title, Show.Line(title, 200) }, { one => one.Text, text }, { one => one.Action, action }, { one => one.Dangerous, dangerous } },
            new DialogOptions { CloseOnEscapeKey = true, CloseOnNavigation = true, BackdropClick = false, MaxWidth = MaxWidth.Small, FullWidth = true, DefaultFocus = DefaultFocus.FirstChild });
        return await asked.Result is { Canceled: false };
    }
}
