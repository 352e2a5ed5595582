namespace NannyOrleans.Lab;

/// <summary>A verb cannot go on. The message is for the person; the exit code is 1.</summary>
public sealed class LabFailure(string message) : Exception(message);
