using System.Text.Json;
using NannyOrleans.Api.Dashboard.Calls;
using NannyOrleans.Domain.Agents;
using NannyOrleans.Domain.Clusters;

namespace NannyOrleans.Api.Dashboard.Pages.Clusters;

/// <summary>Hosts, guests and machines as <c>/api/agents</c> answers them: which kind a row is, its role says.</summary>
internal static class AgentRows
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    /// <summary>One row.</summary>
    /// <exception cref="JsonException">It is none.</exception>
    public static AgentRow Read(JsonElement row) => row.GetProperty("proxmox_role").GetString() switch
    {
        "host" => row.Deserialize<HostRow>(Json)!,
        "guest" => row.Deserialize<GuestRow>(Json)!,
        _ => row.Deserialize<MachineRow>(Json)!,
    };

    /// <summary>What a row is called.</summary>
    public static string NameOf(AgentRow row) => row switch { GuestRow guest => guest.Name, HostRow host => host.Hostname, MachineRow machine => machine.Hostname, _ => row.Id };

    /// <summary>What a row is, in Proxmox's words.</summary>
    public static string KindOf(AgentRow row) => row switch
    {
        GuestRow { ProxmoxType: "lxc" } guest => $"CT {guest.ProxmoxVmid}",
        GuestRow guest => $"VM {guest.ProxmoxVmid}",
        HostRow => "Host",
        _ => "Machine",
    };

    /// <summary>How a row is managed, in the guide's brackets; null where that goes without saying.</summary>
    public static string? ManagementOf(AgentRow row) => row switch
    {
        GuestRow { ProxmoxType: "lxc" } or GuestRow { AgentlessVm: true } => "Agentless",
        GuestRow { VmAgent: { } agent } => $"Agent: {agent}",
        GuestRow => "Requires Agent",
        _ => $"Agent: {row.Id}",
    };

    /// <summary>Where a row's page is.</summary>
    public static string PageOf(AgentRow row) => row is GuestRow ? $"/guests/{Uri.EscapeDataString(row.Id)}" : $"/agents/{Uri.EscapeDataString(row.Id)}";

    /// <summary>Whether anything can be done with it from here.</summary>
    public static bool IsManaged(AgentRow row) => row is not GuestRow { ProxmoxType: "qemu", AgentlessVm: not true, VmAgent: null };

    /// <summary>Rows from the first-th on, of those that a query selects: read by pages, which is how the API has them.</summary>
    /// <param name="client">The API.</param>
    /// <param name="query">Parameters of the list, without its pages.</param>
    /// <param name="first">How many to leave out.</param>
    /// <param name="count">How many are wanted.</param>
    /// <returns>Them, and how many there are in all, null where that is not known; or why they can't be read.</returns>
    public static async Task<(IReadOnlyList<AgentRow> Rows, int? Total, ApiProblem? Problem)> ReadPage(IDashboardClient client, string query, int first, int count)
    {
        var (rows, total) = (new List<AgentRow>(), (int?)null);
        for (var page = (first / PerPage) + 1; (page - 1) * PerPage < Math.Min(first + Math.Max(1, count), total ?? int.MaxValue); page++)
        {
            var answer = await client.Get($"/api/agents?{query}&page={page}&per_page={PerPage}");
            if (answer.Problem is { } problem)
            {
                return ([], null, problem);
            }

            total = answer.Total ?? throw new JsonException("The list does not say how long it is.");
            rows.AddRange(answer.Read().EnumerateArray().Select(Read));
        }

        return ([.. rows.Skip(first % PerPage).Take(count)], total, null);
    }

    /// <summary>Of which guests and hosts it is not known whether they are up to date: as <see cref="PatchCounts"/> counts guests.</summary>
    public static string Unknown(DateTimeOffset now) =>
        $"(pending_updates==null||updates_at<'{now - PatchCounts.Fresh:yyyy-MM-ddTHH:mm:ssZ}')&&(proxmox_role!='guest'||proxmox_type=='lxc'||agentless_vm==true)&&template!=true";

    private const int PerPage = 100;
}
