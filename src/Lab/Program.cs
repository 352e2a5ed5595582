using NannyOrleans.Lab;
using NannyOrleans.Lab.Commands;

// A host's command is decided before anything of the person's command line is built: it is called often.
return args is [PveCommand.Marker, ..] ? PveCommand.Run(args) : await CommandLine.Build().Parse(args).InvokeAsync();
