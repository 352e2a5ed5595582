using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;
using NannyOrleans.Silo;

namespace NannyOrleans.Api.Http;

/// <summary>How much one caller may ask. Section <c>Limits</c>.</summary>
internal sealed class LimitOptions
{
    /// <summary>Requests of <c>/api</c> a second for each person and each agent, with ten times as many at once. Default 100; 1 to 1,000,000.</summary>
    [Range(1, 1_000_000)]
    public int RequestsPerSecond { get; set; } = 100;

    /// <summary>
    /// Device codes and requests of the page that approves them, a minute for each address, with twice as many at once; for all addresses together
    /// ten times that. Default 60; 1 to 1,000,000. For hosts that are registered by the hundred behind one address: more.
    /// </summary>
    [Range(1, 1_000_000)]
    public int RegistrationsPerMinute { get; set; } = 60;

    /// <summary>Reads and checks the section.</summary>
    /// <exception cref="CannotStartException">A value can't be read.</exception>
    /// <exception cref="OptionsValidationException">A value is out of its range.</exception>
    public static LimitOptions Read(IConfiguration configuration) => Section.Read(configuration, "Limits", new LimitOptionsValidator());
}

[OptionsValidator]
internal sealed partial class LimitOptionsValidator : IValidateOptions<LimitOptions>;
