using System.Security.Cryptography;

namespace NannyOrleans.Api.Tests.Support;

/// <summary>Somebody whom no other test knows, with an account and nothing granted.</summary>
internal sealed record NewPerson(SharedServer Shared, string Name, string Password)
{
    /// <summary>Makes one.</summary>
    public static async Task<NewPerson> Make(SharedServer shared)
    {
        var person = new NewPerson(shared, $"p{RandomNumberGenerator.GetHexString(12, lowercase: true)}", "a password nobody else has");
        (await shared.Admin.PostJson("/api/people", new { user_name = person.Name, password = person.Password, roles = Array.Empty<string>() })).Is(201);
        return person;
    }

    public Task<Answer> AskForTokens() => Shared.Anonymous.AskForToken(Name, Password);

    /// <summary>With an access token.</summary>
    public async Task<Caller> SignIn() => Shared.Anonymous.With((await AskForTokens()).Is(200).Text("access_token"));

    /// <summary>With a cookie, as a page of the server does.</summary>
    public async Task<Caller> SignInByCookie() => Shared.Anonymous.WithCookie((await PostSession(Name, Password)).Is(200));

    public Task<Answer> PostSession(string name, string password, string? code = null, string? recoveryCode = null) => Shared.Anonymous.FromItsPage().PostJson(
        "/api/session", new { user_name = name, password, code, recovery_code = recoveryCode });
}
