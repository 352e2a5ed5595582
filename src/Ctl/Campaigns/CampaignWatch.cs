using System.Diagnostics;
using Spectre.Console;

namespace NannyOrleans.Ctl.Campaigns;

/// <summary>Shows a campaign until it ends or halts: a picture that is drawn anew on a terminal, a line for each thing that happens elsewhere.</summary>
internal sealed class CampaignWatch(NannyServer server, IAnsiConsole console, string cluster, string id)
{
    private static readonly TimeSpan Between = TimeSpan.FromSeconds(1);

    /// <summary>How long the server may be away, being restarted for instance, before the watch is given up.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    private readonly CampaignDisplay display = new();
    private readonly Lock gate = new();
    private Campaign? campaign;
    private string after = "";
    private string? trouble;

    /// <summary>Gives the exit code.</summary>
    public async Task<int> Run(CancellationToken cancellation)
    {
        try
        {
            await (console.Profile.Capabilities is { Interactive: true, Ansi: true } ? Live(cancellation) : Follow(happened => console.WriteLine(CampaignDisplay.Line(happened)), cancellation));
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            console.WriteLine($"The campaign goes on. To watch it again: nannyctl campaign watch {cluster} {id}");
            return ExitCodes.Left;
        }

        var ended = campaign!;
        console.WriteLine($"Campaign {Safe.Line(ended.Id)} {Safe.Line(ended.Status)}: {string.Join(", ", ended.Nodes.Select(node => Safe.Line($"{node.Name} {node.Step}{(node.Note is null ? "" : $" ({node.Note})")}")))}");
        if (ended.Status is "halted")
        {
            console.WriteLine($"{Safe.Line(ended.Reason)}\nTo go on: nannyctl campaign resume {cluster}. To end it and put back what it changed: nannyctl campaign abort {cluster}");
        }

        return ended.IsWhole ? ExitCodes.Done : ExitCodes.NotAll;
    }

    private Task Live(CancellationToken cancellation) => console.Live(Text.Empty).StartAsync(async context =>
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var clock = Task.Run(async () =>
        {
            using var tick = new PeriodicTimer(Between / 4);
            do
            {
                Draw();
            }
            while (await tick.WaitForNextTickAsync(ended.Token));
        }, CancellationToken.None);
        try
        {
            await Follow(_ => { }, cancellation);
        }
        finally
        {
            await ended.CancelAsync();
            await clock.ContinueWith(_ => { }, TaskScheduler.Default);
            Draw();
        }

        void Draw()
        {
            lock (gate)
            {
                context.UpdateTarget(display.At(DateTimeOffset.Now, trouble));
            }
        }
    });

    // The server may be restarted, moved or killed meanwhile: the stream is taken up again after the last event seen.
    private async Task Follow(Action<Happened> tell, CancellationToken cancellation)
    {
        Stopwatch? away = null;
        while (true)
        {
            try
            {
                await foreach (var item in server.Follow($"api/clusters/{Uri.EscapeDataString(cluster)}/campaigns/{id}/timeline?follow=true", after, cancellation))
                {
                    away = null;
                    if (Take(item.EventType, item.EventId, item.Data, tell))
                    {
                        return;
                    }
                }
            }
            catch (Exception failure) when (failure is HttpRequestException or IOException)
            {
                lock (gate)
                {
                    trouble = $"The server does not answer, this is how it was: {failure.Message}";
                }
            }

            away ??= Stopwatch.StartNew();
            if (away.Elapsed > Patience)
            {
                throw new CtlFailure($"The server has not answered for {Patience.TotalMinutes:F0} minutes. The campaign may go on.");
            }

            await Task.Delay(Between, cancellation);
        }
    }

    /// <summary>Takes one event of the stream; true when there is nothing to wait for.</summary>
    private bool Take(string type, string? number, string data, Action<Happened> tell)
    {
        lock (gate)
        {
            trouble = null;
            after = number ?? after;
            switch (type)
            {
                case "event":
                    var happened = NannyServer.Read<Happened>(data);
                    display.Tell(happened);
                    tell(happened);
                    return false;
                case "status" or "end":
                    campaign = NannyServer.Read<Campaign>(data);
                    display.Show(campaign);
                    return type is "end" || campaign.IsOver || campaign.Status is "halted";
                default:
                    return false;
            }
        }
    }
}
