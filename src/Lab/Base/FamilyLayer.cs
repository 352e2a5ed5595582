using NannyOrleans.Lab.Linux;

namespace NannyOrleans.Lab.Base;

/// <summary>Another family's package manager over the base, with a database and a repository of its own.</summary>
internal sealed class FamilyLayer(string baseDirectory)
{
    /// <summary>Where the finished layer is. Its first making fetches Debian's packages of the tools from this machine's mirror.</summary>
    public string Ready(string family) => new Layer(Path.GetDirectoryName(baseDirectory)!, baseDirectory, text => Native.Write(2, $"nanny-lab: {text}\n"))
        .Ready(family, Resource.Text("layer/family.sh"), [family, BaseRootfs.Mirror()]);
}
