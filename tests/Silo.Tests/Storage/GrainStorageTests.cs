using System.Collections.Concurrent;
using NannyOrleans.Domain.Nodes;
using NannyOrleans.Grains.Fleet;
using NannyOrleans.Grains.Nodes;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Silo.Storage;
using Orleans.Storage;

namespace NannyOrleans.Silo.Tests.Storage;

/// <summary>Our SQL under Orleans' own provider. Each <see cref="GrainState{T}"/> stands for one activation's view.</summary>
public abstract class GrainStorageTests(TestSilo shared)
{
    private protected const string State = "node";
    private static readonly AgentId Agent = AgentId.Parse("01M83HW1FS84TGPXTCYJ45S8G9");

    private readonly GrainId grain = TestSilo.NewGrain();

    private IGrainStorage Storage => shared.Silo.Storage;

    [Fact]
    public async Task Writes_reads_clears_and_writes_again()
    {
        var first = await Read();
        Assert.False(first.RecordExists);
        Assert.Null(first.ETag);

        await Write(first, "pve1");
        await Write(first, "pve1-renamed");
        var second = await Read();
        Assert.Equal(("pve1-renamed", first.ETag, true), (second.State!.Hostname, second.ETag, second.RecordExists));

        await Storage.ClearStateAsync(State, grain, second);
        Assert.Equal((null, null, false), (second.State!.Hostname, second.ETag, second.RecordExists));
        Assert.False((await Read()).RecordExists);
        Assert.Equal(0, await shared.RowsOf(grain));

        await Write(second, "again");
        Assert.Equal("again", (await Read()).State!.Hostname);
    }

    [Fact]
    public async Task Of_two_writes_over_the_same_version_the_second_is_a_conflict()
    {
        await Write(await Read(), "first");
        var (one, other) = (await Read(), await Read());
        await Write(one, "one");
        await Assert.ThrowsAsync<InconsistentStateException>(() => Write(other, "other"));
        Assert.Equal("one", (await Read()).State!.Hostname);
    }

    [Fact]
    public async Task Of_many_writes_over_the_same_version_one_wins()
    {
        await Write(await Read(), "first");
        var views = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => Read()));
        var written = await Task.WhenAll(views.Select((view, number) => Task.Run(async () =>
        {
            try
            {
                await Write(view, $"writer {number}");
                return $"writer {number}";
            }
            catch (InconsistentStateException)
            {
                return null;
            }
        })));
        Assert.Equal(Assert.Single(written, winner => winner is not null), (await Read()).State!.Hostname);
    }

    [Fact]
    public async Task A_first_write_over_an_existing_row_is_a_conflict()
    {
        var (one, other) = (await Read(), await Read());
        await Write(one, "one");
        await Assert.ThrowsAsync<InconsistentStateException>(() => Write(other, "other"));
        Assert.Equal("one", (await Read()).State!.Hostname);
    }

    [Fact]
    public async Task A_write_or_a_clear_over_a_deleted_row_is_a_conflict()
    {
        await Write(await Read(), "first");
        var (one, other, third) = (await Read(), await Read(), await Read());
        await Storage.ClearStateAsync(State, grain, one);
        await Assert.ThrowsAsync<InconsistentStateException>(() => Write(other, "other"));
        await Assert.ThrowsAsync<InconsistentStateException>(() => Storage.ClearStateAsync(State, grain, third));
        Assert.False((await Read()).RecordExists);
    }

    [Fact] // The new row must not have the old one's version, or it would be overwritten by somebody who has never seen it.
    public async Task A_write_by_one_who_slept_through_a_delete_and_a_new_beginning_is_a_conflict()
    {
        await Write(await Read(), "first");
        var (one, sleeper) = (await Read(), await Read());
        await Storage.ClearStateAsync(State, grain, one);
        await Write(one, "new");
        await Assert.ThrowsAsync<InconsistentStateException>(() => Write(sleeper, "old"));
        Assert.Equal("new", (await Read()).State!.Hostname);
    }

    [Theory] // The provider reads a GUID, a number and a text key each its own way.
    [InlineData("0")]
    [InlineData("-1")]
    [InlineData("7fffffffffffffff")]
    [InlineData("0d8a7d2e8f0e4f3c9a943b7c5f2b6a10")]
    [InlineData("01M83HW1FS84TGPXTCYJ45S8G9")]
    [InlineData("c0123456789abcdef")]
    [InlineData("c0123456789abcdef/100")]
    [InlineData("it's \"quoted\"; -- and Ünïcode")]
    public async Task Each_kind_of_key_is_a_row_of_its_own(string key)
    {
        var id = GrainId.Create("key-test", key);
        var written = new GrainState<NodeState> { State = new() { Hostname = key } };
        await Storage.WriteStateAsync("key-test", id, written);
        var read = new GrainState<NodeState>();
        await Storage.ReadStateAsync("key-test", id, read);
        Assert.Equal(key, read.State!.Hostname);
        await Storage.ReadStateAsync("another-state", id, read);
        Assert.False(read.RecordExists);
    }

    [Fact]
    public async Task Many_writers_all_come_to_their_turn()
    {
        await Task.WhenAll(Enumerable.Range(0, 32).Select(writer => Task.Run(async () =>
        {
            var id = TestSilo.NewGrain();
            var state = new GrainState<NodeState> { State = new() };
            for (var count = 1; count <= 20; count++)
            {
                state.State = state.State! with { Epoch = count };
                await Storage.WriteStateAsync(State, id, state);
            }

            var read = new GrainState<NodeState>();
            await Storage.ReadStateAsync(State, id, read);
            Assert.Equal(20, read.State!.Epoch);
        }))).Within("32 writers");
    }

    [Fact]
    public async Task State_is_there_after_a_restart()
    {
        using var data = new DataDirectory();
        var cluster = ClusterId.Parse("c0123456789abcdef");
        var options = await shared.NewOptions(data);
        await using (var before = await RunningSilo.Start(options))
        {
            await before.Grains.GetGrain<IFleetGrain>(0).Add(cluster);
            await before.Grains.GetGrain<INodeGrain>($"{cluster}/pve1").Enrol(new(Agent, "pve1", "lab"));
        }

        await using var after = await RunningSilo.Start(options); // which applies the schema a second time
        Assert.Equal([cluster], await after.Grains.GetGrain<IFleetGrain>(0).Clusters());
        Assert.True(await after.Grains.GetGrain<INodeGrain>($"{cluster}/pve1").IsAgent(Agent));
        await after.Grains.GetGrain<INodeGrain>($"{cluster}/pve1").Enrol(new(AgentId.Parse("01M83HYC366EDV4QB830883JAT"), "pve1", "lab"));
    }

    private async Task<GrainState<NodeState>> Read()
    {
        var state = new GrainState<NodeState>();
        await Storage.ReadStateAsync(State, grain, state);
        return state;
    }

    private Task Write(GrainState<NodeState> view, string hostname)
    {
        view.State = view.State! with { Hostname = hostname };
        return Storage.WriteStateAsync(State, grain, view);
    }
}

public sealed class GrainStorageOnPostgresTests(SiloOnPostgres silo) : GrainStorageTests(silo), IClassFixture<SiloOnPostgres>;

public sealed class GrainStorageOnSqliteTests(SharedSilo silo) : GrainStorageTests(silo)
{
    [Fact] // What a power cut leaves: the files as they are at one moment, the log not yet folded in, a transaction half done.
    public async Task A_copy_of_the_files_taken_between_writes_has_all_that_was_acknowledged()
    {
        using var data = new DataDirectory();
        using var copy = new DataDirectory();
        var acknowledged = new ConcurrentDictionary<GrainId, long>();
        using var enough = new CancellationTokenSource();
        Task writers;
        await using (var running = await RunningSilo.Start(data))
        {
            var begun = new TaskCompletionSource();
            writers = Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(async () =>
            {
                var id = TestSilo.NewGrain();
                var state = new GrainState<NodeState> { State = new() };
                while (!enough.IsCancellationRequested)
                {
                    state.State = state.State! with { Epoch = state.State!.Epoch + 1 };
                    await running.Storage.WriteStateAsync(State, id, state);
                    acknowledged[id] = state.State!.Epoch;
                    if (acknowledged.Values.Sum() > 200)
                    {
                        begun.TrySetResult();
                    }
                }
            })));
            await begun.Task.Within("200 writes");

            Dictionary<GrainId, long> promised;
            using (var half = new Microsoft.Data.Sqlite.SqliteConnection($"Data Source={data.PathOf("grains.db")};Pooling=False"))
            {
                half.Open();
                using var transaction = half.BeginTransaction(deferred: false); // from here on nobody else writes
                using var command = half.CreateCommand();
                command.Transaction = transaction;
                command.CommandText = "UPDATE OrleansStorage SET Version = 0, Payload = NULL";
                command.ExecuteNonQuery();
                promised = acknowledged.ToDictionary();
                foreach (var file in (string[])["grains.db", "grains.db-wal"])
                {
                    File.Copy(data.PathOf(file), copy.PathOf(file));
                }

                transaction.Rollback();
            }

            await enough.CancelAsync();
            await writers.Within("the writers' end");
            Assert.Equal(8, promised.Count);

            await using var mended = await RunningSilo.Start(copy);
            foreach (var (id, epoch) in promised)
            {
                var read = new GrainState<NodeState>();
                await mended.Storage.ReadStateAsync(State, id, read);
                Assert.InRange(read.State!.Epoch, epoch, epoch + 1); // one more may be stored and not yet acknowledged
            }

            Assert.Equal("ok", copy.Ask<string>("grains.db", "PRAGMA integrity_check"));
        }
    }

    [Fact]
    public void Applying_the_schema_again_changes_nothing()
    {
        using var data = new DataDirectory();
        SqliteGrainStorageSchema.Apply(data.PathOf("grains.db"));
        data.Tell("grains.db", "INSERT INTO OrleansStorage VALUES ('s', 't', 0, 0, 'key', 7, '', x'00')");
        var before = Schema();
        SqliteGrainStorageSchema.Apply(data.PathOf("grains.db"));
        Assert.Equal(before, Schema());
        Assert.Equal(7, data.Ask<long>("grains.db", "SELECT Version FROM OrleansStorage WHERE IdText = 'key'"));

        string Schema() => data.Ask<string>("grains.db", "SELECT group_concat(sql) || (SELECT group_concat(QueryKey || QueryText) FROM OrleansQuery) FROM sqlite_master");
    }
}
