using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using OtpNet;

namespace NannyOrleans.Api.Accounts;

/// <summary>
/// Second factors. Not Identity's own: it keeps secrets and recovery codes as they are, for whoever gets the database, and takes a code again that
/// somebody has looked over a shoulder.
/// </summary>
internal sealed class SecondFactors(AccountsDb accounts, UserManager<Person> people, IDataProtectionProvider protection, TimeProvider clock)
{
    private const int RecoveryCodes = 10;
    private const string Letters = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"; // 32: five bits each, and none that look alike

    // A code of the step before and after too: clocks differ, and people type slowly.
    private static readonly VerificationWindow Window = new(previous: 1, future: 1);

    private readonly IDataProtector protector = protection.CreateProtector("second-factor");

    /// <summary>A new secret, in place of one that was never confirmed; null when there is a second factor already.</summary>
    public async Task<string?> Begin(Person person)
    {
        if (person.TwoFactorEnabled)
        {
            return null;
        }

        var secret = Base32Encoding.ToString(RandomNumberGenerator.GetBytes(20));
        var factor = await accounts.SecondFactors.SingleOrDefaultAsync(one => one.PersonId == person.Id)
            ?? accounts.SecondFactors.Add(new() { PersonId = person.Id, Secret = string.Empty }).Entity;
        (factor.Secret, factor.LastStep) = (protector.Protect(secret), 0);
        await accounts.SaveChangesAsync();
        return secret;
    }

    /// <summary>Has it asked for from here on, once a code was shown: who could show none would be locked out. Ends what was signed in before.</summary>
    /// <returns>The recovery codes, which nobody can be told again; null when the code is wrong or nothing was begun.</returns>
    public async Task<IReadOnlyList<string>?> Confirm(Person person, string code)
    {
        await using var all = await accounts.Database.BeginTransactionAsync();
        if (person.TwoFactorEnabled || !await Take(person, code))
        {
            return null;
        }

        string[] codes = [.. Enumerable.Range(0, RecoveryCodes).Select(_ => RandomNumberGenerator.GetString(Letters, 16))];
        await accounts.RecoveryCodes.Where(one => one.PersonId == person.Id).ExecuteDeleteAsync();
        accounts.RecoveryCodes.AddRange(codes.Select(one => new RecoveryCode { PersonId = person.Id, Hash = HashOf(one) }));
        await Ask(person, isOn: true);
        await all.CommitAsync();
        return [.. codes.Select(one => string.Join('-', one.Chunk(4).Select(four => new string(four))))];
    }

    /// <summary>Takes it away. Ends what was signed in before.</summary>
    public async Task Remove(Person person)
    {
        await using var all = await accounts.Database.BeginTransactionAsync();
        await accounts.SecondFactors.Where(one => one.PersonId == person.Id).ExecuteDeleteAsync();
        await accounts.RecoveryCodes.Where(one => one.PersonId == person.Id).ExecuteDeleteAsync();
        await Ask(person, isOn: false);
        await all.CommitAsync();
    }

    /// <summary>How many recovery codes are left.</summary>
    public Task<int> RecoveryCodesLeft(Person person) => accounts.RecoveryCodes.CountAsync(one => one.PersonId == person.Id);

    /// <summary>Takes a code, once: of two that show the same at the same time one is right.</summary>
    public async Task<bool> Take(Person person, string code) =>
        await accounts.SecondFactors.AsNoTracking().SingleOrDefaultAsync(one => one.PersonId == person.Id) is { } factor
        && StepOf(factor, code) is { } step
        && await accounts.SecondFactors.Where(one => one.PersonId == person.Id && one.LastStep < step)
            .ExecuteUpdateAsync(change => change.SetProperty(one => one.LastStep, step)) is 1;

    /// <summary>Takes a recovery code, once.</summary>
    public async Task<bool> TakeRecoveryCode(Person person, string code)
    {
        var hash = HashOf(string.Concat(code.Where(letter => letter is not ('-' or ' '))).ToUpperInvariant());
        return await accounts.RecoveryCodes.Where(one => one.PersonId == person.Id && one.Hash == hash).ExecuteDeleteAsync() is 1;
    }

    private async Task Ask(Person person, bool isOn)
    {
        person.TwoFactorEnabled = isOn;
        if (await people.UpdateSecurityStampAsync(person) is { Succeeded: false } failed)
        {
            throw new DbUpdateConcurrencyException(string.Join(' ', failed.Errors.Select(error => error.Description)));
        }
    }

    private long? StepOf(SecondFactor factor, string code) =>
        new Totp(Base32Encoding.ToBytes(protector.Unprotect(factor.Secret))).VerifyTotp(clock.GetUtcNow().UtcDateTime, code.Replace(" ", string.Empty, StringComparison.Ordinal), out var step, Window) ? step : null;

    private static string HashOf(string code) => Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(code)));
}
