using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace NannyOrleans.Silo.History.Migrations
{
    /// <inheritdoc />
    public partial class RebootsTimedOut : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            // Restarts that timed out are listed by a name of their own, as they are shown.
            migrationBuilder.Sql("UPDATE operations SET Status = 'Timeout' WHERE Kind = 'Reboot' AND Status = 'Failed' AND json_extract(Record, '$.failure.code') = 'timeout'");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.Sql("UPDATE operations SET Status = 'Failed' WHERE Status = 'Timeout'");
        }
    }
}
