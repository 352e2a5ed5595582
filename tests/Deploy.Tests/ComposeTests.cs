using YamlDotNet.RepresentationModel;

namespace NannyOrleans.Deploy.Tests;

/// <summary>compose.yaml: that Compose takes it, and that what it says fits together. Its containers run nowhere here.</summary>
public sealed class ComposeTests
{
    private readonly YamlMappingNode compose = Assert.Single(Deployment.Yaml("compose.yaml"));

    [Fact]
    public async Task Compose_takes_it_and_not_without_a_password()
    {
        var (code, said) = await Deployment.Run("docker-compose", ["-f", Deployment.PathOf("compose.yaml"), "config", "--quiet"], ("POSTGRES_PASSWORD", "secret"));
        Assert.Equal((0, ""), (code, said));
        (code, said) = await Deployment.Run("docker-compose", ["-f", Deployment.PathOf("compose.yaml"), "config", "--quiet"], ("POSTGRES_PASSWORD", ""));
        Assert.NotEqual(0, code);
        Assert.Contains("Write POSTGRES_PASSWORD into .env first", said, StringComparison.Ordinal);
    }

    [Fact]
    public void Its_servers_know_their_settings_and_each_silo_its_own_name()
    {
        foreach (var (name, service) in Services())
        {
            Assert.All(service.Names("environment").Where(one => one.StartsWith("NANNY_", StringComparison.Ordinal) && one is not "NANNY_TLS"), one => Assert.True(Deployment.Knows(one), $"{name}: {one}"));
            if (service.Text("image")!.StartsWith("nannyorleans/", StringComparison.Ordinal))
            {
                Assert.True(service.Text("read_only") is "true", name);
                Assert.Contains("Host=db;", service.Text("environment.NANNY_Silo__Postgres"), StringComparison.Ordinal);
            }
        }

        var silos = Services().Where(one => one.Service.Text("image") is "nannyorleans/silo").ToArray();
        Assert.Equal(["silo1", "silo2", "silo3"], silos.Select(silo => silo.Service.Text("environment.NANNY_Silo__Address")));
        Assert.Equal(silos.Select(silo => silo.Name), silos.Select(silo => silo.Service.Text("environment.NANNY_Silo__Address")));
        Assert.Equal(2, Services().Count(one => one.Name.StartsWith("api", StringComparison.Ordinal) && one.Service.Text("environment.NANNY_Silo__Embedded") is "false"));
    }

    [Fact]
    public void Whom_the_Api_trusts_is_the_balancers_network_and_silos_are_not_in_it()
    {
        var front = compose.Text("networks.front.ipam.config.0.subnet");
        Assert.NotNull(front);
        Assert.All(Services().Where(one => one.Name.StartsWith("api", StringComparison.Ordinal)), one => Assert.Equal(front, one.Service.Text("environment.NANNY_Api__TrustedProxies")));
        Assert.Equal("true", compose.Text("networks.inside.internal"));
        Assert.All(Services().Where(one => one.Name is "db" || one.Name.StartsWith("silo", StringComparison.Ordinal)), one => Assert.Equal(["inside"], one.Service.Names("networks")));
        Assert.Equal(["front"], compose.Names("services.balancer.networks"));
    }

    [Fact]
    public void What_a_build_names_is_in_the_Dockerfile()
    {
        var file = File.ReadAllText(Deployment.PathOf("Dockerfile"));
        var targets = Services().Select(one => one.Service.Text("build.target")).OfType<string>().Distinct().Order().ToArray();
        Assert.Equal(["api", "backup", "silo"], targets);
        Assert.All(targets, target => Assert.Contains($" AS {target}\n", file, StringComparison.Ordinal));
    }

    private IEnumerable<(string Name, YamlNode Service)> Services() => compose.Names("services").Select(name => (name, compose.At($"services.{name}")!));
}
