namespace NannyOrleans.Protocol.Jobs;

/// <summary>
/// A package name, or a glob with <c>*</c>, in the one grammar that holds for all families: Debian's names
/// (policy 5.6.7: lower-case letters, digits, <c>+ - .</c>) widened by the upper-case letters and <c>_ @ :</c> that rpm, pacman and
/// apk names have. Nothing outside it ever reaches a command line, on either side.
/// </summary>
public static class PackagePattern
{
    /// <summary>The longest accepted pattern, in characters.</summary>
    public const int MaxLength = 128;

    /// <summary>The most patterns in one request.</summary>
    public const int MaxCount = 256;

    /// <summary>Whether <paramref name="text"/> is a package name or glob. It may not start with a hyphen: that would be an option.</summary>
    public static bool IsValid(string? text) =>
        text is { Length: > 0 and <= MaxLength }
        && (char.IsAsciiLetterOrDigit(text[0]) || text[0] is '*')
        && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '+' or '-' or '.' or '_' or '@' or ':' or '*');
}
