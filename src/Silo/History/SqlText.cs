using System.Text;

namespace NannyOrleans.Silo.History;

/// <summary>Text from outside as databases take it.</summary>
internal static class SqlText
{
    /// <summary>
    /// What a target printed, or calls itself, is bytes of any kind, and SQL text is not: NUL ends it for some databases and is refused by others,
    /// and half a surrogate pair has no UTF-8. Each becomes U+FFFD, the mark for "something was here".
    /// </summary>
    public static string Storable(string printed) => Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(printed.Replace('\0', '\uFFFD')));
}
