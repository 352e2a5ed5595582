using System.Net.Sockets;
using NannyOrleans.Silo.Storage;
using Npgsql;

namespace NannyOrleans.Silo.Tests.Postgres;

/// <summary>Of which failed writes it is known that they have not landed. A wrong yes has a grain go on with what is not stored.</summary>
public sealed class SureFailureTests
{
    [Theory]
    [InlineData("53100", true)] // the disk is full: the statement was taken back
    [InlineData("53300", true)] // too many connections: there was no statement
    [InlineData("57P03", true)] // it is starting up
    [InlineData("25006", true)] // a standby takes no writes
    [InlineData("57P01", false)] // the session was ended, perhaps after the commit
    [InlineData("57014", false)] // cancelled, perhaps too late
    [InlineData("08006", false)] // the connection broke
    [InlineData("40003", false)] // the server says that it does not know
    public void What_the_server_says(string state, bool isSure) =>
        Assert.Equal(isSure, PostgresGrainStorage.IsSure(new PostgresException("no", "ERROR", "ERROR", state)));

    [Fact]
    public void A_connection_that_never_opened_took_nothing_and_of_one_that_broke_nobody_knows()
    {
        Assert.True(PostgresGrainStorage.IsSure(new NpgsqlException("Failed to connect", new SocketException(111))));
        Assert.False(PostgresGrainStorage.IsSure(new NpgsqlException("Exception while reading from stream", new IOException("gone", new SocketException(104)))));
        Assert.False(PostgresGrainStorage.IsSure(new NpgsqlException("Exception while reading from stream", new TimeoutException())));
        Assert.False(PostgresGrainStorage.IsSure(new NpgsqlException("Exception while reading from stream", new EndOfStreamException())));
    }
}
