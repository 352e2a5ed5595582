using System.Security.Cryptography;
using System.Text;
using System.Xml.Linq;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.AuthenticatedEncryption.ConfigurationModel;
using Microsoft.AspNetCore.DataProtection.Repositories;

namespace NannyOrleans.Api.Accounts;

/// <summary>
/// Data protection (cookies, second factors' secrets) under a key that follows from the installation's encryption key, which every process of it
/// has as a file and backups hold. Keys of its own would lie in the database for all to share, and who stole that could make himself cookies.
/// </summary>
internal static class InstallationProtection
{
    public static void AddInstallationProtection(this IServiceCollection services, byte[] installationKey) => services.AddDataProtection()
        .SetApplicationName("nannyorleans")
        .DisableAutomaticKeyGeneration()
        .AddKeyManagementOptions(keys => keys.XmlRepository = new OneKey(installationKey));

    private sealed class OneKey(byte[] installationKey) : IXmlRepository
    {
        // The format in which ASP.NET Core itself keeps keys.
        public IReadOnlyCollection<XElement> GetAllElements() =>
        [
            new(
                "key",
                new XAttribute("id", new Guid(Derive("data protection key id", 16))),
                new XAttribute("version", 1),
                new XElement("creationDate", Since),
                new XElement("activationDate", Since),
                new XElement("expirationDate", DateTimeOffset.MaxValue),
                new XElement(
                    "descriptor",
                    new XAttribute("deserializerType", typeof(AuthenticatedEncryptorDescriptorDeserializer).AssemblyQualifiedName!),
                    new XElement(
                        "descriptor",
                        new XElement("encryption", new XAttribute("algorithm", "AES_256_CBC")),
                        new XElement("validation", new XAttribute("algorithm", "HMACSHA256")),
                        new XElement("masterKey", new XElement("value", Convert.ToBase64String(Derive("data protection key", 64)))))))
        ];

        public void StoreElement(XElement element, string friendlyName) => throw new NotSupportedException("The installation has one key for data protection, which follows from its own.");

        private static readonly DateTimeOffset Since = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

        private byte[] Derive(string use, int length) => HKDF.DeriveKey(HashAlgorithmName.SHA256, installationKey, length, info: Encoding.UTF8.GetBytes(use));
    }
}
