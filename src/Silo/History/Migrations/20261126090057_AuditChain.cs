using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace NannyOrleans.Silo.History.Migrations
{
    /// <inheritdoc />
    public partial class AuditChain : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            // The table of before, audit, stays as it is: silos of before go on writing there until the last of them is replaced, and what anybody
            // could have changed is not made better by hashing it now.
            migrationBuilder.CreateTable(
                name: "audit_log",
                columns: table => new
                {
                    Sequence = table.Column<long>(type: "INTEGER", nullable: false),
                    At = table.Column<long>(type: "INTEGER", nullable: false),
                    Actor = table.Column<string>(type: "TEXT", nullable: false),
                    Address = table.Column<string>(type: "TEXT", nullable: true),
                    Action = table.Column<string>(type: "TEXT", nullable: false),
                    Target = table.Column<string>(type: "TEXT", nullable: false),
                    Cluster = table.Column<string>(type: "TEXT", nullable: true),
                    Result = table.Column<string>(type: "TEXT", nullable: false),
                    Detail = table.Column<string>(type: "TEXT", nullable: true),
                    Previous = table.Column<byte[]>(type: "BLOB", nullable: false),
                    Hash = table.Column<byte[]>(type: "BLOB", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_audit_log", x => x.Sequence);
                });

            migrationBuilder.CreateTable(
                name: "audit_head",
                columns: table => new
                {
                    Id = table.Column<int>(type: "INTEGER", nullable: false),
                    Sequence = table.Column<long>(type: "INTEGER", nullable: false),
                    Hash = table.Column<byte[]>(type: "BLOB", nullable: false),
                    Seal = table.Column<byte[]>(type: "BLOB", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_audit_head", x => x.Id);
                });

            migrationBuilder.CreateIndex(
                name: "IX_audit_log_Actor_Sequence",
                table: "audit_log",
                columns: new[] { "Actor", "Sequence" });

            migrationBuilder.CreateIndex(
                name: "IX_audit_log_At",
                table: "audit_log",
                column: "At");

            migrationBuilder.CreateIndex(
                name: "IX_audit_log_Target_Sequence",
                table: "audit_log",
                columns: new[] { "Target", "Sequence" });

            migrationBuilder.Sql("CREATE TRIGGER audit_log_not_changed BEFORE UPDATE ON audit_log BEGIN SELECT RAISE(ABORT, 'The audit log is append-only.'); END");
            migrationBuilder.Sql("CREATE TRIGGER audit_log_not_removed BEFORE DELETE ON audit_log BEGIN SELECT RAISE(ABORT, 'The audit log is append-only.'); END");

            // INSERT OR REPLACE removes a row without a word to the one above.
            migrationBuilder.Sql(
                """
                CREATE TRIGGER audit_log_in_order BEFORE INSERT ON audit_log WHEN NEW."Sequence" <> (SELECT coalesce(max("Sequence"), 0) + 1 FROM audit_log)
                BEGIN SELECT RAISE(ABORT, 'The audit log is append-only, without a gap.'); END
                """);
            migrationBuilder.Sql("CREATE TRIGGER audit_head_not_removed BEFORE DELETE ON audit_head BEGIN SELECT RAISE(ABORT, 'The audit log is append-only.'); END");
            migrationBuilder.Sql(
                """
                CREATE TRIGGER audit_head_goes_on BEFORE UPDATE ON audit_head WHEN NEW."Sequence" <= OLD."Sequence"
                BEGIN SELECT RAISE(ABORT, 'The audit log is append-only.'); END
                """);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "audit_log");

            migrationBuilder.DropTable(
                name: "audit_head");
        }
    }
}
