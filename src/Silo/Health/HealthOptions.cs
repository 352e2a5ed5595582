using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace NannyOrleans.Silo.Health;

/// <summary>How a process takes its leave. Section <c>Health</c>.</summary>
internal sealed class HealthOptions
{
    /// <summary>
    /// Seconds from being told to stop until it does. Meanwhile <c>/readyz</c> says that it stops and all else goes on: behind a balancer as long as
    /// that takes to notice. Default 0; 0 to 300.
    /// </summary>
    [Range(0, 300)]
    public int StopDelaySeconds { get; set; }

    /// <summary>Reads and checks the section.</summary>
    /// <exception cref="CannotStartException">A value can't be read.</exception>
    /// <exception cref="OptionsValidationException">A value is out of its range.</exception>
    public static HealthOptions Read(IConfiguration configuration) => Section.Read(configuration, "Health", new HealthOptionsValidator());
}

[OptionsValidator]
internal sealed partial class HealthOptionsValidator : IValidateOptions<HealthOptions>;
