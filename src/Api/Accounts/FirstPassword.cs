using System.Security.Cryptography;

namespace NannyOrleans.Api.Accounts;

/// <summary>Passwords for people who have none yet: 20 letters and digits without those that look alike, more than 110 bits.</summary>
internal static class FirstPassword
{
    /// <summary>One that nobody knows.</summary>
    public static string Make() => RandomNumberGenerator.GetString("abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789", 20);
}
