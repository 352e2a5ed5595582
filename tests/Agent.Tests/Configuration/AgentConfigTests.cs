using NannyOrleans.Agent.Configuration;

namespace NannyOrleans.Agent.Tests.Configuration;

public sealed class AgentConfigTests
{
    [Fact]
    public void Reads_the_guides_example()
    {
        var config = AgentConfig.Parse("config.yml", """
            api_url: https://nannyapi.example.com
            proxmox_mode: true
            guest_discovery_interval: 300  # Discover guests every 5 minutes
            metrics_interval: 30           # Report metrics every 30 seconds

            """);
        Assert.Equal([new Uri("https://nannyapi.example.com")], config.ApiUrls);
        Assert.Equal(new AgentConfig([], true, TimeSpan.FromSeconds(300), TimeSpan.FromSeconds(30)), config with { ApiUrls = [] });
    }

    [Fact]
    public void Needs_only_the_url()
    {
        var config = AgentConfig.Parse("c", "api_url: 'http://127.0.0.1:8090/'\n");
        Assert.Equal([new Uri("http://127.0.0.1:8090")], config.ApiUrls);
        Assert.Equal(new AgentConfig([], null, TimeSpan.FromSeconds(300), TimeSpan.FromSeconds(30)), config with { ApiUrls = [] });
    }

    [Theory]
    [InlineData("api_url: https://a, http://b:8090/x/\n")]
    [InlineData("api_url: https://a http://b:8090/x\n")]
    [InlineData("api_url: [https://a, http://b:8090/x]\n")]
    [InlineData("api_url:\n  - https://a\n  - http://b:8090/x/\n")]
    public void Takes_several_servers_of_one_installation(string text) =>
        Assert.Equal([new Uri("https://a"), new Uri("http://b:8090/x")], AgentConfig.Parse("c", text).ApiUrls);

    [Theory]
    [InlineData("pct", ContainerProbe.Pct)]
    [InlineData("lxc-attach", ContainerProbe.LxcAttach)]
    public void Containers_may_be_looked_into_through_pct(string text, object probe) =>
        Assert.Equal(probe, AgentConfig.Parse("c", $"api_url: https://x\ncontainer_probe: {text}\n").ContainerProbe);

    [Theory]
    [InlineData("", false)] // somebody else's scripts run here only where this host's own administrator says so
    [InlineData("custom_scripts: false\n", false)]
    [InlineData("custom_scripts: true\n", true)]
    public void Custom_scripts_are_off_unless_switched_on(string line, bool on) =>
        Assert.Equal(on, AgentConfig.Parse("c", $"api_url: https://x\n{line}").CustomScripts);

    [Theory]
    [InlineData("", "c:1:1: api_url: is required, such as https://nanny.example.com")]
    [InlineData("proxmox_mode: true\n", "c:1:1: api_url: is required, such as https://nanny.example.com")]
    [InlineData("api_url: nanny.example.com\n", "c:1:10: api_url: 'nanny.example.com' is not an absolute http:// or https:// URL without query and user name")]
    [InlineData("api_url: ftp://x\n", "c:1:10: api_url: 'ftp://x' is not an absolute http:// or https:// URL without query and user name")]
    [InlineData("api_url: https://x\napi_url: https://y\n", "c:2:1: api_url: is there twice")]
    [InlineData("api_url: https://x\nproxmox_mode: yes\n", "c:2:15: proxmox_mode: 'yes' is neither true nor false")]
    [InlineData("api_url: https://x\n\nguest_discovery_interval: 5\n", "c:3:27: guest_discovery_interval: '5' is not a whole number of seconds from 10 to 86400")]
    [InlineData("api_url: https://x\nmetrics_interval: 30s\n", "c:2:19: metrics_interval: '30s' is not a whole number of seconds from 5 to 3600")]
    [InlineData("api_url: https://x\nmetrics_interval:\n", "c:2:1: metrics_interval: '' is not a whole number of seconds from 5 to 3600")]
    [InlineData("api_url: https://x\napi_key: 1\n", "c:2:10: api_key: there is no such key; known are api_url, proxmox_mode, guest_discovery_interval, metrics_interval, container_probe, custom_scripts")]
    [InlineData("api_url: https://x\ncustom_scripts: yes\n", "c:2:17: custom_scripts: 'yes' is neither true nor false")]
    [InlineData("api_url: https://x\ncontainer_probe: lxc\n", "c:2:18: container_probe: 'lxc' is neither lxc-attach nor pct")]
    [InlineData("api_url: https://x, y\n", "c:1:10: api_url: 'y' is not an absolute http:// or https:// URL without query and user name")]
    [InlineData("api_url: https://x,https://x/\n", "c:1:10: api_url: 'https://x/' is there twice")]
    [InlineData("api_url: []\n", "c:1:10: api_url: '' is not an absolute http:// or https:// URL without query and user name")]
    [InlineData("api_url:\n  - https://x\n  - b: c\n", "c:2:3: api_url: must be a list of URLs")]
    [InlineData("api_url: {a: b}\n", "c:1:10: api_url: must be a single value")]
    [InlineData("metrics_interval: [30]\n", "c:1:19: metrics_interval: must be a single value")]
    [InlineData("- api_url\n", "c:1:1: expected lines of the form key: value")]
    [InlineData("api_url: https://x\n---\napi_url: https://y\n", "c:2:1: only one document is read; remove the line ---")]
    public void Says_what_is_wrong_and_where(string text, string message) =>
        Assert.Equal(message, Assert.Throws<ConfigException>(() => AgentConfig.Parse("c", text)).Message);

    [Fact]
    public void Says_where_the_YAML_itself_is_broken() =>
        Assert.StartsWith("c:2:", Assert.Throws<ConfigException>(() => AgentConfig.Parse("c", "api_url: https://x\n\tproxmox_mode: true\n")).Message, StringComparison.Ordinal);

    [Fact]
    public void Says_everything_that_is_wrong_at_once() =>
        Assert.Equal(2, Assert.Throws<ConfigException>(() => AgentConfig.Parse("c", "api_url: x\nmetrics_interval: 1\n")).Message.Split('\n').Length);

    [Fact]
    public void Says_that_the_file_is_missing() =>
        Assert.StartsWith("/nowhere/config.yml: there is no such file", Assert.Throws<ConfigException>(() => AgentConfig.Load("/nowhere/config.yml")).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("http://nanny.example.com", true)]
    [InlineData("http://10.0.0.1:8090", true)]
    [InlineData("http://localhost:8090", false)]
    [InlineData("http://127.0.0.1:8090", false)]
    [InlineData("http://[::1]:8090", false)]
    [InlineData("https://nanny.example.com", false)]
    public void Warns_of_a_server_that_anybody_on_the_way_can_be(string url, bool warns) => Assert.Equal(warns, ServerUrl.Warning(new Uri(url)) is not null);
}
