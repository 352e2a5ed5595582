using System.Text;
using System.Text.Json;
using CsCheck;
using NannyOrleans.Api.Tests.Support;
using NannyOrleans.Protocol;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Jobs;
using NannyOrleans.Tests.Fuzzing;

namespace NannyOrleans.Api.Tests.Fuzzing;

/// <summary>A server that is told things nobody means: each is taken or refused in words, and the next one is answered.</summary>
public sealed class ServerFuzzTests : IAsyncLifetime
{
    private readonly DataDirectory data = new();
    private ServerProcess server = null!;
    private Caller anonymous = null!;
    private Caller admin = null!;
    private HostPeer host = null!;

    public async ValueTask InitializeAsync()
    {
        server = await ServerProcess.Start(data.Path, SharedServer.Password);
        anonymous = new(server.Url);
        admin = await anonymous.SignIn("admin", SharedServer.Password);
        host = await HostPeer.Register(admin, Some.Cluster());
        await host.ConnectWith(server.Url, Some.Container());
    }

    public async ValueTask DisposeAsync()
    {
        await host.DisposeAsync();
        await server.DisposeAsync();
        data.Dispose();
    }

    [Fact]
    public async Task Whatever_comes_is_answered_and_is_no_error_of_the_server()
    {
        await Hub();
        await Forms();
        await Rest();
        (await anonymous.Get("/readyz")).Is(200);
        (await admin.Get("/api/clusters")).Is(200);
        Assert.DoesNotContain(server.Program.Lines, line => line.StartsWith("fail: Microsoft.AspNetCore", StringComparison.Ordinal) || line.Contains("Unhandled", StringComparison.Ordinal));
    }

    /// <summary>Each method of the hub with what an agent says, damaged: in its JSON or in the frame around it.</summary>
    private async Task Hub()
    {
        var guest = Some.Container();
        var id = JobId.Parse("01M83HW1FS84TGPXTCYJ45S8G9");
        (string Method, string Good)[] calls =
        [
            (AgentHub.ReportInventory, Json(Some.Inventory(host, guest, Some.Machine()))),
            (AgentHub.ReportMetrics, Json(Some.Metrics(Some.Measured(guest)))),
            (AgentHub.ReportJob, Json(new JobReport(id, JobOutcome.Succeeded, "x") { ExitCode = 0, StandardOutput = "{}", StartedAt = Some.Noon, CompletedAt = Some.Noon })),
            (AgentHub.ReportOutput, Json(new JobOutput(id, OutputChannel.StandardOutput, 0, 3, "abc"))),
            (AgentHub.RunJob, "{}"),
            ("OnConnectedAsync", "null"),
        ];
        var raw = await RawPeer.Connect(server.Url, host.AccessToken);
        var damaged = Gen.OneOf(calls).SelectMany(call => Gen.OneOf(
            Fuzz.Damaged(call.Good).Select(argument => RawPeer.Call(call.Method, argument)),
            Fuzz.Damaged(RawPeer.Call(call.Method, call.Good))));
        await damaged.Hold("hub", async frame =>
        {
            await raw.Send(Encoding.UTF8.GetBytes(frame + RawPeer.End));
            await raw.Send(Encoding.UTF8.GetBytes($$"""{"type":1,"invocationId":"last","target":"NoSuchMethod","arguments":[]}{{RawPeer.End}}"""));
            if (await raw.AnswerTo("last") is not { } answers)
            {
                raw.Dispose();
                raw = await RawPeer.Connect(server.Url, host.AccessToken); // it was cut, and nobody else was
                return;
            }

            foreach (var inside in (string[])["   at ", "NannyOrleans.", "System.", "Orleans."])
            {
                Assert.DoesNotContain(inside, answers, StringComparison.Ordinal);
            }
        });
        raw.Dispose();
    }

    /// <summary>The forms that strangers may send: tokens, device codes, the page.</summary>
    private Task Forms()
    {
        string[] names = ["grant_type", "client_id", "client_secret", "scope", "username", "password", "refresh_token", "device_code", "user_code", "code", "code_verifier", "redirect_uri", "decision", "token", Registration.Hostname, Registration.Node, Registration.Cluster, Registration.ClusterName];
        string[] values = ["password", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code", "authorization_code", "client_credentials", TokenClient, Registration.ClientId, "api offline_access", "agent offline_access", "admin", host.RefreshToken, host.AccessToken, "BBBB-BBBB", "approve", "deny", "pve1", host.Cluster.Value, ""];
        var field = Gen.Select(Gen.OneOf(names), Gen.OneOf(Gen.OneOf(values), Gen.OneOf(values).SelectMany(Fuzz.Damaged), Gen.String[0, 40]));
        return Gen.Select(Gen.OneOf("/connect/token", "/connect/device", "/device", "/connect/authorize"), field.Array[0, 8], Gen.Int[0, 9]).Hold("forms", async form =>
        {
            var (path, fields, how) = form;
            var text = string.Join('&', fields.Select(one => $"{one.Item1}={Uri.EscapeDataString(one.Item2.Replace("\ud800", "", StringComparison.Ordinal))}"));
            _ = how switch
            {
                0 => await anonymous.Send("GET", $"{path}?{text}"),
                1 => await anonymous.Post(path, Encoding.UTF8.GetBytes(text), "multipart/form-data; boundary=x"),
                2 => await anonymous.Post(path, Encoding.UTF8.GetBytes(text), null),
                3 => await anonymous.Post(path, Encoding.UTF8.GetBytes(text.Replace('=', '%')), "application/x-www-form-urlencoded"),
                _ => await anonymous.PostLikeCurl(path, text),
            };
        });
    }

    /// <summary>Each endpoint of the document, with what it takes in its address and its body, of the right type and of others.</summary>
    private async Task Rest()
    {
        var document = (await admin.Get("/openapi/v1.json")).Is(200).Json;
        var schemas = document.GetProperty("components").GetProperty("schemas");
        var endpoints = (
            from path in document.GetProperty("paths").EnumerateObject()
            where path.Name.StartsWith("/api/", StringComparison.Ordinal)
            from method in path.Value.EnumerateObject()
            where method.Name is "get" or "post" or "patch" or "put" or "delete" && (method.Name, path.Name.TrimEnd('/')) is not ("delete", "/api/session") // signs out
            select new Endpoint(method.Name.ToUpperInvariant(), path.Name, method.Value)).ToArray();
        Assert.True(endpoints.Length > 30, $"Only {endpoints.Length} endpoints.");
        var value = Gen.OneOf(
            Gen.OneOf("null", "true", "false", "0", "-1", "1", "1.5", "1e999", "99999999999999999999", "[]", "{}", "[null]", "[[]]", "{\"a\":1}", "\"\"", "\"\\ud800\"", "[\"\",\"\"]", new string('[', 200)),
            Gen.OneOf("apply", "dry-run", "lxc", "debian", "100", host.Id.Value, host.Cluster.Value, "pve1", "nginx", "*", "name=='x'", "2026-11-26T00:00:00Z", "#!/bin/sh\nexit 0\n", "01M83HW1FS84TGPXTCYJ45S8G9").SelectMany(good => Gen.OneOf(Gen.Const(good), Fuzz.Damaged(good))).Select(Quoted),
            Gen.String[0, 30].Select(Quoted));
        var cases = Gen.OneOf(endpoints).SelectMany(endpoint => Gen.Select(
            value.Array[endpoint.Fields(schemas).Count], value.Array[endpoint.Parameters.Length], Gen.Int[0, 9], Gen.Int[0, 5]).Select((fields, parameters, skipped, how) => (endpoint, fields, parameters, skipped, how)));
        await cases.Hold("rest", async one =>
        {
            var (endpoint, fields, parameters, skipped, how) = one;
            var path = endpoint.Address(parameters.Select(Text).ToArray());
            var body = string.Join(',', endpoint.Fields(schemas).Zip(fields).Where((_, index) => index != skipped).Select(field => $"{Quoted(field.First)}:{(IsWait(field.First) ? "0" : field.Second)}"));
            body = how switch { 0 => $"[{{{body}}}]", 1 => body, _ => $"{{{body}}}" };
            await admin.Send(endpoint.Method, path, endpoint.HasBody ? Encoding.UTF8.GetBytes(body) : null);
        });
    }

    private const string TokenClient = "nanny-cli";

    // How long an answer may take, which is not to be found out here.
    private static bool IsWait(string field) => field.StartsWith("wait", StringComparison.Ordinal);

    private static string Json<T>(T value) => JsonSerializer.Serialize(value, ProtocolJson.Default.GetTypeInfo(typeof(T))!);

    private static string Quoted(string text) => JsonSerializer.Serialize(text.Replace("\ud800", "?", StringComparison.Ordinal));

    // What a JSON value is as a part of an address.
    private static string Text(string json) => json.StartsWith('"') && json.Length > 1 && !json.Contains("\\u", StringComparison.Ordinal) ? JsonSerializer.Deserialize<string>(json)! : json;

    private sealed record Endpoint(string Method, string Path, JsonElement Operation)
    {
        public bool HasBody => Operation.TryGetProperty("requestBody", out _);

        /// <summary>What it takes in its address, in order.</summary>
        public (string Name, bool InPath)[] Parameters { get; } = Operation.TryGetProperty("parameters", out var all)
            ? [.. all.EnumerateArray().Select(one => (one.GetProperty("name").GetString()!, one.GetProperty("in").GetString() is "path")).Where(one => one.Item2 || !IsWait(one.Item1))]
            : [];

        public IReadOnlyList<string> Fields(JsonElement schemas)
        {
            if (!Operation.TryGetProperty("requestBody", out var body) || !body.GetProperty("content").EnumerateObject().First().Value.TryGetProperty("schema", out var schema))
            {
                return [];
            }

            if (schema.TryGetProperty("$ref", out var reference))
            {
                schema = schemas.GetProperty(reference.GetString()!.Split('/')[^1]);
            }

            return schema.TryGetProperty("properties", out var properties) ? [.. properties.EnumerateObject().Select(one => one.Name)] : [];
        }

        public string Address(string[] values)
        {
            var (path, query) = (Path, new List<string>());
            foreach (var ((name, inPath), value) in Parameters.Zip(values))
            {
                // A dot alone is a step in the address, and not a name.
                var text = Uri.EscapeDataString(value is "." or ".." or "" ? "x" : value);
                if (inPath)
                {
                    path = path.Replace($"{{{name}}}", text, StringComparison.Ordinal);
                }
                else
                {
                    query.Add($"{name}={text}");
                }
            }

            return query.Count is 0 ? path : $"{path}?{string.Join('&', query)}";
        }
    }
}
