using Microsoft.Extensions.Options;

namespace NannyOrleans.Silo;

/// <summary>Settings that a process needs while it is being put together, which is before the host would validate them.</summary>
internal static class Section
{
    /// <summary>Reads a section and checks it.</summary>
    /// <exception cref="CannotStartException">A value can't be read.</exception>
    /// <exception cref="OptionsValidationException">A value is out of its range.</exception>
    public static T Read<T>(IConfiguration configuration, string section, IValidateOptions<T> validator)
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

        var verdict = validator.Validate(section, options);
        return verdict.Failed ? throw new OptionsValidationException(section, typeof(T), verdict.Failures) : options;
    }
}
