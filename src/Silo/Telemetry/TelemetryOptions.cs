using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace NannyOrleans.Silo.Telemetry;

/// <summary>What a server's process tells of itself, and whom. Section <c>Telemetry</c>.</summary>
public sealed class TelemetryOptions
{
    /// <summary>What a scraper of <c>/metrics</c> shows as its bearer token. Default none: then an administrator's token does, and at a silo being on its machine. 16 characters or more.</summary>
    [MinLength(16, ErrorMessage = "Telemetry:MetricsToken needs 16 characters or more.")]
    public string? MetricsToken { get; set; }

    /// <summary>How logs are written to the console. Default text; json has the ids of operations and campaigns in fields.</summary>
    public LogFormat LogFormat { get; set; }

    /// <summary>Whether there is Orleans' own dashboard, at <c>/orleans</c> of the Api. Default false. Silos in processes of their own need it too.</summary>
    public bool Dashboard { get; set; }

    /// <summary>Reads and checks the section.</summary>
    /// <exception cref="CannotStartException">A value can't be read.</exception>
    /// <exception cref="OptionsValidationException">A value is out of its range.</exception>
    public static TelemetryOptions Read(IConfiguration configuration) => Section.Read(configuration, "Telemetry", new TelemetryOptionsValidator());
}

/// <summary>How logs are written.</summary>
public enum LogFormat
{
    /// <summary>For people.</summary>
    Text,

    /// <summary>For programs: one JSON object a line.</summary>
    Json,
}

[OptionsValidator]
internal sealed partial class TelemetryOptionsValidator : IValidateOptions<TelemetryOptions>;
