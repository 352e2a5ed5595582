using NannyOrleans.Ctl;

return await CommandLine.Build().Parse(args).InvokeAsync();
