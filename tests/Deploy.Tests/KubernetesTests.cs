using YamlDotNet.RepresentationModel;

namespace NannyOrleans.Deploy.Tests;

/// <summary>The Kubernetes manifests: that what names another thing names one that is there.</summary>
public sealed class KubernetesTests
{
    private static readonly string[] Probed = ["/healthz", "/readyz"];

    private readonly YamlMappingNode[] all =
        [.. Directory.GetFiles(Deployment.PathOf("kubernetes"), "*.yaml").Order().Where(path => !path.EndsWith("kustomization.yaml", StringComparison.Ordinal)).SelectMany(path => Deployment.Yaml($"kubernetes/{Path.GetFileName(path)}"))];

    [Fact]
    public void The_kustomization_names_every_file_but_the_secrets()
    {
        var named = Assert.Single(Deployment.Yaml("kubernetes/kustomization.yaml")).Names("resources");
        var there = Directory.GetFiles(Deployment.PathOf("kubernetes"), "*.yaml").Select(path => Path.GetFileName(path)!);
        Assert.Equal(there.Except(["kustomization.yaml", "secret.example.yaml"]).Order(), named.Order());
    }

    [Theory]
    [InlineData("silo", "3")]
    [InlineData("api", "2")]
    public void A_deployments_parts_fit_together(string name, string replicas)
    {
        var deployment = Only("Deployment", name);
        Assert.Equal(replicas, deployment.Text("spec.replicas"));
        Assert.Equal(Labels(deployment.At("spec.selector.matchLabels")!), Labels(deployment.At("spec.template.metadata.labels")!).Intersect(Labels(deployment.At("spec.selector.matchLabels")!)));

        var container = Assert.Single(deployment.Items("spec.template.spec.containers"));
        var ports = Ports(deployment);
        foreach (var probe in (string[])["startupProbe", "livenessProbe", "readinessProbe"])
        {
            Assert.Contains(container.Text($"{probe}.httpGet.path"), Probed);
            Assert.Contains(container.Text($"{probe}.httpGet.port"), ports);
        }

        Assert.Equal("/readyz", container.Text("readinessProbe.httpGet.path"));
        var volumes = deployment.Items("spec.template.spec.volumes").Select(volume => volume.Text("name")).ToArray();
        Assert.All(container.Items("volumeMounts"), mount => Assert.Contains(mount.Text("name"), volumes));

        var secret = Only("Secret", "nannyorleans").Names("stringData");
        Assert.All(container.Items("volumeMounts").Select(mount => mount.Text("subPath")).OfType<string>(), key => Assert.Contains(key, secret));
        Assert.Equal(6, container.Items("volumeMounts").Count(mount => mount.Text("subPath") is not null)); // all keys
        foreach (var variable in container.Items("env"))
        {
            Assert.True(Deployment.Knows(variable.Text("name")!), variable.Text("name"));
            Assert.True(variable.Text("valueFrom.secretKeyRef.key") is not { } key || secret.Contains(key), variable.Text("name"));
        }

        var settings = Only("ConfigMap", container.Text("envFrom.0.configMapRef.name")!).Names("data");
        Assert.All(settings, setting => Assert.True(Deployment.Knows(setting), setting));
        Assert.Equal("status.podIP", name is "api" ? "status.podIP" : container.Items("env").Single(one => one.Text("name") is "NANNY_Silo__Address").Text("valueFrom.fieldRef.fieldPath"));
        Assert.Equal(("true", "true"), (deployment.Text("spec.template.spec.securityContext.runAsNonRoot"), container.Text("securityContext.readOnlyRootFilesystem")));
    }

    [Fact]
    public void Whatever_selects_pods_selects_some()
    {
        var deployments = all.Where(one => one.Text("kind") is "Deployment").ToArray();
        var selectors = all.SelectMany(one => one.Mappings()).Select(one => one.At("matchLabels")).OfType<YamlMappingNode>()
            .Where(labels => !labels.ToString().Contains("kubernetes.io/metadata.name", StringComparison.Ordinal))
            .Append(Only("Service", "api").At("spec.selector")!).ToArray();
        Assert.True(selectors.Length >= 9, $"{selectors.Length}");
        Assert.All(selectors, selector => Assert.Contains(deployments, one => Labels(selector).All(Labels(one.At("spec.template.metadata.labels")!).Contains)));
    }

    [Fact]
    public void Silos_ports_are_open_to_silos_and_Api_processes_alone()
    {
        var everybody = Only("NetworkPolicy", "nobody");
        Assert.Empty(everybody.Names("spec.podSelector"));
        Assert.Null(everybody.At("spec.ingress"));
        Assert.Equal(["Ingress"], everybody.Names("spec.policyTypes"));

        foreach (var policy in all.Where(one => one.Text("kind") is "NetworkPolicy" && one.Text("metadata.name") is not "nobody"))
        {
            var ports = Ports(Only("Deployment", policy.Text("metadata.name")!));
            Assert.All(policy.Items("spec.ingress").SelectMany(rule => rule.Items("ports")), port => Assert.Contains(port.Text("port"), ports));
        }

        var rule = Assert.Single(Only("NetworkPolicy", "silo").Items("spec.ingress"), rule => rule.Items("ports").Any(port => port.Text("port") is "silo" or "gateway"));
        Assert.Equal(["silo", "api"], rule.Items("from").Select(from => Assert.Single(Labels(from.At("podSelector.matchLabels")!)).Value));
    }

    [Fact]
    public void The_ingress_and_the_service_lead_to_a_port_of_the_Api()
    {
        var backend = Only("Ingress", "api").At("spec.rules.0.http.paths.0.backend.service")!;
        var service = Only("Service", backend.Text("name")!);
        Assert.Contains(backend.Text("port.name"), service.Items("spec.ports").Select(port => port.Text("name")));
        Assert.All(service.Items("spec.ports"), port => Assert.Contains(port.Text("targetPort"), Ports(Only("Deployment", "api"))));
    }

    private YamlMappingNode Only(string kind, string name) => Assert.Single(all, one => one.Text("kind") == kind && one.Text("metadata.name") == name);

    private static string?[] Ports(YamlNode deployment) => [.. deployment.Items("spec.template.spec.containers.0.ports").Select(port => port.Text("name"))];

    private static IEnumerable<KeyValuePair<string, string?>> Labels(YamlNode labels) =>
        ((YamlMappingNode)labels).Children.Select(label => KeyValuePair.Create(((YamlScalarNode)label.Key).Value!, ((YamlScalarNode)label.Value).Value));
}
