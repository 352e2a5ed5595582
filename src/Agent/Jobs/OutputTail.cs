using System.Text;
using NannyOrleans.Agent.Linux;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Agent.Jobs;

/// <summary>Reads what a running job has printed since the last look. Behind by more than a piece it jumps: a gap is shown, a flood is not sent.</summary>
internal sealed class OutputTail(JobId job, DetachedRun run) : IDisposable
{
    private readonly Channel standardOutput = new(OutputChannel.StandardOutput, run.StandardOutput);
    private readonly Channel standardError = new(OutputChannel.StandardError, run.StandardError);

    /// <summary>Gives a piece of each channel that has something new, until a job has had <see cref="Most"/>.</summary>
    public void Read(Action<JobOutput> take)
    {
        foreach (var channel in (Channel[])[standardOutput, standardError])
        {
            if (channel.Next() is { } piece)
            {
                take(new(job, channel.Kind, piece.Offset, piece.Length, piece.Text));
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        standardOutput.Dispose();
        standardError.Dispose();
    }

    /// <summary>The most bytes of one channel that are sent while a job runs. The final report has its own beginning and end.</summary>
    private const long Most = 1024 * 1024;

    private sealed class Channel(OutputChannel kind, string path) : IDisposable
    {
        private Microsoft.Win32.SafeHandles.SafeFileHandle? file;
        private long offset;
        private long sent;

        public OutputChannel Kind => kind;

        public (long Offset, int Length, string Text)? Next()
        {
            file ??= File.Exists(path) ? File.OpenHandle(path, share: FileShare.ReadWrite | FileShare.Delete) : null;
            var length = file is null ? 0 : RandomAccess.GetLength(file);
            if (length <= offset || sent >= Most)
            {
                return null;
            }

            offset = Math.Max(offset, length - JobOutput.MaxLength);
            var bytes = new byte[length - offset];
            var read = RandomAccess.Read(file!, bytes, offset);
            var whole = KeptOutput.WithoutBrokenEnd(bytes.AsSpan(0, read));
            if (whole.Length is 0)
            {
                return null; // the first bytes of one character: the rest is on its way
            }

            var piece = (offset, whole.Length, Encoding.UTF8.GetString(whole));
            offset += whole.Length;
            sent += whole.Length;
            return piece;
        }

        public void Dispose() => file?.Dispose();
    }
}
