using Microsoft.Extensions.Options;

namespace NannyOrleans.Silo;

/// <summary>Settings that a process needs while it is being put together, which is before the host would validate them.</summary>
public static class Section
{
    /// <summary>Reads a section and checks it.</summary>
    /// <param name="configuration">All settings.</param>
    /// <param name="section">The section's name.</param>
    /// <param name="validator">What it must meet; null: it is good as soon as it can be read.</param>
    /// <exception cref="CannotStartException">A value can't be read.</exception>
    /// <exception cref="OptionsValidationException">A value is out of its range.</exception>
    public static T Read<T>(IConfiguration configuration, string section, IValidateOptions<T>? validator = null)
        where T : class, new()
    {
        T options;
        try
        {
            options = configuration.GetSection(section).Get<T>() ?? new();
        }
        catch (InvalidOperationException unreadable) // the binder's, for a number that is none
        {
            throw new CannotStartException(unreadable.Message, unreadable);
        }

        var verdict = validator?.Validate(section, options);
        return verdict is { Failed: true } ? throw new OptionsValidationException(section, typeof(T), verdict.Failures) : options;
    }
}
