using CsCheck;
using NannyOrleans.Domain.Access;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Domain.Tests.Access;

public sealed class RightsTests
{
    private static readonly ClusterId A = ClusterId.Parse("caaaaaaaaaaaaaaaa");
    private static readonly ClusterId B = ClusterId.Parse("cbbbbbbbbbbbbbbbb");
    private static readonly ClusterId Machine = ClusterId.Parse("m0123456789abcdef");

    [Theory]
    [InlineData("", Powers.None, Powers.None, "nobody said anything")]
    [InlineData("viewer", Powers.View, Powers.View, "everywhere")]
    [InlineData("operator", Powers.View | Powers.Operate, Powers.View | Powers.Operate, "who operates sees")]
    [InlineData("approver", Powers.View | Powers.Approve, Powers.View | Powers.Approve, "who approves does not operate")]
    [InlineData("administrator", Powers.All, Powers.All, "all")]
    [InlineData("operator@caaaaaaaaaaaaaaaa", Powers.View | Powers.Operate, Powers.None, "the other cluster is not there")]
    [InlineData("viewer operator@cbbbbbbbbbbbbbbbb", Powers.View, Powers.View | Powers.Operate, "more on one")]
    [InlineData("operator@caaaaaaaaaaaaaaaa approver@caaaaaaaaaaaaaaaa", Powers.View | Powers.Operate | Powers.Approve, Powers.None, "two roles on one")]
    public void Roles_add_up_where_they_are_given(string grants, Powers onA, Powers onB, string why)
    {
        var rights = new Rights(Read(grants));
        Assert.True((onA, onB) == (rights.On(A), rights.On(B)), why);
    }

    [Theory]
    [InlineData("viewer", true, true, true)]
    [InlineData("viewer@caaaaaaaaaaaaaaaa", true, false, false)]
    [InlineData("viewer@m0123456789abcdef approver@cbbbbbbbbbbbbbbbb", false, true, true)]
    [InlineData("", false, false, false)]
    public void What_no_role_reaches_is_not_seen(string grants, bool seesA, bool seesB, bool seesMachine)
    {
        var sight = new Rights(Read(grants)).Sight;
        Assert.Equal((seesA, seesB, seesMachine), (sight.Sees(A), sight.Sees(B), sight.Sees(Machine)));
    }

    [Fact]
    public void A_tokens_scope_takes_away_and_never_adds() => Gen.Select(GenGrants, GenPermission, GenPermission).Sample((grants, one, other) =>
    {
        var (whole, cut) = (new Rights(grants), new Rights(grants, one & other));
        Assert.Equal(whole.On(A) & one & other, cut.On(A));
        Assert.Equal(whole.Everywhere & one & other, cut.Everywhere);
        Assert.Equal(cut.On(A), new Rights(grants, one).On(A) & other);
    });

    [Fact]
    public void Everywhere_is_at_most_what_is_on_each_and_that_at_most_anywhere() => GenGrants.Sample(grants =>
    {
        var rights = new Rights(grants);
        foreach (var cluster in new[] { A, B, Machine })
        {
            Assert.Equal(rights.Everywhere, rights.Everywhere & rights.On(cluster));
            Assert.Equal(rights.On(cluster), rights.On(cluster) & rights.Anywhere);
            Assert.Equal(rights.On(cluster).HasFlag(Powers.Operate), rights.Allowed(Powers.Operate).Sees(cluster));
        }
    });

    [Fact]
    public void A_grant_reads_as_it_is_written() => GenGrant.Sample(grant =>
    {
        Assert.True(Grant.TryParse(grant.ToString(), out var read));
        Assert.Equal(grant, read);
    });

    [Theory]
    [InlineData("")]
    [InlineData("root")]
    [InlineData("Administrator")]
    [InlineData("3")]
    [InlineData("administrator@")]
    [InlineData("administrator@pve")]
    [InlineData("operator@caaaaaaaaaaaaaaaa@cbbbbbbbbbbbbbbbb")]
    public void What_is_no_grant_grants_nothing(string text) => Assert.False(Grant.TryParse(text, out _));

    private static Gen<Grant> GenGrant => Gen.Select(Gen.Enum<Role>(), Gen.OneOf((ClusterId?)null, A, B, Machine), (role, cluster) => new Grant(role, cluster));

    private static Gen<Grant[]> GenGrants => GenGrant.Array[0, 5];

    private static Gen<Powers> GenPermission => Gen.Int[0, (int)Powers.All].Select(bits => (Powers)bits);

    private static Grant[] Read(string grants) =>
    [
        .. grants.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(text =>
        {
            Assert.True(Grant.TryParse(text, out var grant), text);
            return grant;
        }),
    ];
}
