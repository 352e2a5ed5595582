using System.IO;
using System.Reflection;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace NannyOrleans.Silo.History.PostgresMigrations
{
    /// <inheritdoc />
    public partial class Orleans : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            // A released file is never changed: what comes later is another migration with another file.
            using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream("Orleans.Postgres.sql");
            using var reader = new StreamReader(stream);
            migrationBuilder.Sql(reader.ReadToEnd());
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.Sql("DROP TABLE installation_keys, OrleansReminders, OrleansMembership, OrleansMembershipVersion, OrleansStorage, OrleansQuery");
        }
    }
}
