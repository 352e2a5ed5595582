using NannyOrleans.Domain.Campaigns;
using NannyOrleans.Domain.Tests.Clusters;

namespace NannyOrleans.Domain.Tests.Campaigns;

public sealed class ClusterPicturesTests
{
    [Theory]
    [InlineData(1, null, -1)] // nobody asked: as old as it says, which is in whole seconds
    [InlineData(1, -0.2, -0.2)] // it was begun after it was asked for
    [InlineData(1, -3.0, -1)] // an older question says less
    [InlineData(1, 5.0, -1)] // a question of the future was none of this server's
    [InlineData(0, -0.2, 0)] // an agent that does not say how old it is
    public void A_word_is_as_old_as_it_says_and_no_older_than_the_question_it_answers(int age, double? asked, double at)
    {
        var report = Reported.Of("lab", "pve1") with { AgeSeconds = age, AskedAt = asked is { } seconds ? Some.Noon.AddSeconds(seconds) : null };
        var picture = ClusterPictures.Of(Reported.Nothing.With(Some.Agent, report), pace: null, Some.Noon);
        Assert.Equal(Some.Noon.AddSeconds(at), Assert.Single(picture.Nodes).At);
    }
}
