namespace NannyOrleans.Ctl;

/// <summary>Something that cannot be done, in words for the person who asked.</summary>
internal sealed class CtlFailure : Exception
{
    public CtlFailure(string message)
        : base(message)
    {
    }

    public CtlFailure(string message, Exception cause)
        : base(message, cause)
    {
    }
}
