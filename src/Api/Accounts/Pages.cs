using System.Net;
using System.Text.Encodings.Web;

namespace NannyOrleans.Api.Accounts;

/// <summary>The few pages that must work before there is a dashboard to sign in to: without scripts, and with nothing in them that was not encoded.</summary>
internal static class Pages
{
    /// <summary>The fields by which a person shows who he is.</summary>
    public const string CredentialFields = """
        <p><label>User name <input name="username" required autocomplete="username" autocapitalize="off" autocorrect="off" spellcheck="false"></label></p>
        <p><label>Password <input name="password" type="password" required autocomplete="current-password"></label></p>
        <p><label>Code of the second factor, or a recovery code, if the account has one <input name="totp" inputmode="text" autocomplete="one-time-code" autocapitalize="off" autocorrect="off" spellcheck="false"></label></p>
        """;

    /// <summary>Text as it may stand in a page.</summary>
    public static string Encode(string? text) => HtmlEncoder.Default.Encode(text ?? string.Empty);

    /// <summary>What a person has to be told before the rest.</summary>
    public static string Alert(string? problem) => problem is null ? string.Empty : $"<p role=\"alert\"><strong>{Encode(problem)}</strong></p>";

    /// <summary>A page.</summary>
    public static IResult Html(string title, string body, HttpStatusCode status) => Results.Content(
        $"""
        <!doctype html>
        <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark"><link rel="icon" href="/favicon.svg" type="image/svg+xml"><link rel="stylesheet" href="/pages.css"><title>NannyOrleans: {Encode(title)}</title></head>
        <body><main><h1>{Encode(title)}</h1>
        {body}
        </main></body></html>
        """,
        "text/html; charset=utf-8",
        statusCode: (int)status);

    /// <summary>Who shows what the fields above ask for. A recovery code is longer than a code.</summary>
    public static Credentials Shown(IFormCollection form)
    {
        var code = form["totp"].ToString().Trim();
        return code.Length > 8 ? new(form["username"], form["password"], RecoveryCode: code) : new(form["username"], form["password"], code);
    }
}
