namespace NannyOrleans.Api.Audit;

/// <summary>What a handler adds to the audit log's word of what came of its call; a parameter of it.</summary>
internal sealed class AuditNote
{
    /// <summary>More of what came of it, for a person; null when there is no more to say than that it is done.</summary>
    public string? Detail { get; set; }

    /// <summary>Called by ASP.NET Core to make the parameter.</summary>
    public static ValueTask<AuditNote?> BindAsync(HttpContext context) => ValueTask.FromResult<AuditNote?>(Of(context));

    /// <summary>That of a call.</summary>
    public static AuditNote Of(HttpContext context)
    {
        if (context.Features.Get<AuditNote>() is not { } note)
        {
            context.Features.Set(note = new());
        }

        return note;
    }
}
