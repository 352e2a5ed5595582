using NannyOrleans.Domain.Clusters;
using NannyOrleans.Protocol;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Domain.Tests.Clusters;

public sealed class MembershipTests
{
    private static readonly ClusterId Cluster = ClusterId.Parse("c0123456789abcdef");
    private static readonly NodeName Pve1 = NodeName.Parse("pve1");
    private static readonly NodeName Pve2 = NodeName.Parse("pve2");
    private static readonly byte[] Key = Membership.KeyOf("a private key"u8);
    private static readonly byte[] Other = Membership.KeyOf("another private key"u8);

    public static TheoryData<string?, string?, string?, string?, string> Claims => new()
    {
        { null, null, null, Membership.KeyRequired, "the first one has to say its key" },
        { null, Proof(Key), null, Membership.KeyRequired, "a proof alone proves nothing yet" },
        { null, null, Text(Key), null, "the first one" },
        { null, null, "AAAA", Membership.KeyRequired, "no key at all" },
        { null, null, "no base64", Membership.KeyRequired, "no key at all" },
        { Text(Key), Proof(Key), null, null, "a member" },
        { Text(Key), Proof(Key), Text(Key), null, "a member that was asked for its key when nobody else was known yet" },
        { Text(Key), null, Text(Key), null, "of two that come first at once, the second" },
        { Text(Key), null, null, Membership.Unproven, "nothing is shown" },
        { Text(Key), Proof(Other), null, Membership.Unproven, "another cluster's key" },
        { Text(Key), null, Text(Other), Membership.Unproven, "another cluster's key, said" },
        { Text(Key), Proof(Key, code: "another code"), null, Membership.Unproven, "what was proven for another registration" },
        { Text(Key), Proof(Key, node: Pve2), null, Membership.Unproven, "what was proven for another node" },
        { Text(Key), Proof(Key)[..^4], null, Membership.Unproven, "cut off" },
        { Text(Key), Proof(Key) + new string('A', 1 << 20), null, Membership.Unproven, "far too long" },
    };

    [Theory]
    [MemberData(nameof(Claims))]
    public void A_host_is_a_member_when_it_has_what_only_members_have(string? known, string? proof, string? key, string? refusal, string why) =>
        Assert.True(refusal == new MembershipClaim(Pve1, "code", proof, key).Refused(Cluster, known)?.Code, why);

    [Fact]
    public void The_first_hosts_key_stays_while_any_host_is_registered()
    {
        var first = new ClusterIndex { Stored = new() }.EnrolMembership("first");
        Assert.Null(first.MembershipKey); // power failed before it was registered: the next one is the first
        var registered = first.EnrolMembership("second").Enrol(Pve1, new(Some.Agent, "pve1", "lab"));
        Assert.Equal("second", registered.MembershipKey);
        Assert.Equal("second", registered.EnrolMembership("third").Enrol(Pve2, new(Some.OtherAgent, "pve2", "lab")).Revoke(Pve1).MembershipKey);
        Assert.Null(registered.Revoke(Pve1).MembershipKey);
    }

    [Fact] // Known answers: agents of one release and servers of another must mean the same.
    public void The_proof_is_what_it_has_always_been()
    {
        Assert.Equal("4KTDfWhApHCn+P", Text(Key)[..14]);
        Assert.Equal("RRDkqXBPBifyfe", Proof(Key)[..14]);
    }

    private static string Text(byte[] bytes) => Convert.ToBase64String(bytes);

    private static string Proof(byte[] key, string code = "code", NodeName? node = null) => Text(Membership.Proof(key, code, Cluster, node ?? Pve1));
}
