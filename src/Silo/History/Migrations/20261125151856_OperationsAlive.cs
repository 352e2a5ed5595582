using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace NannyOrleans.Silo.History.Migrations
{
    /// <inheritdoc />
    public partial class OperationsAlive : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "IX_operations_Cluster_Vmid",
                table: "operations");

            migrationBuilder.RenameColumn(
                name: "Vmid",
                table: "operations",
                newName: "Created");

            migrationBuilder.RenameColumn(
                name: "CompletedAt",
                table: "operations",
                newName: "Target");

            migrationBuilder.AddColumn<string>(
                name: "Batch",
                table: "operations",
                type: "TEXT",
                nullable: true);

            migrationBuilder.AddColumn<long>(
                name: "Completed",
                table: "operations",
                type: "INTEGER",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "Kind",
                table: "operations",
                type: "TEXT",
                nullable: false,
                defaultValue: "");

            migrationBuilder.AddColumn<string>(
                name: "Mode",
                table: "operations",
                type: "TEXT",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "Name",
                table: "operations",
                type: "TEXT",
                nullable: false,
                defaultValue: "");

            migrationBuilder.AddColumn<string>(
                name: "Node",
                table: "operations",
                type: "TEXT",
                nullable: false,
                defaultValue: "");

            migrationBuilder.AddColumn<string>(
                name: "RequestedBy",
                table: "operations",
                type: "TEXT",
                nullable: false,
                defaultValue: "");

            // Whatever is there has ended, is of a container, and says the rest itself.
            migrationBuilder.Sql(
                """
                UPDATE operations SET
                    Kind = 'Patch',
                    Target = Cluster || '-lxc-' || json_extract(Record, '$.vmid'),
                    Node = coalesce(json_extract(Record, '$.node'), ''),
                    Name = coalesce(json_extract(Record, '$.name'), ''),
                    Mode = CASE json_extract(Record, '$.mode') WHEN 'dry-run' THEN 'DryRun' WHEN 'apply' THEN 'Apply' END,
                    RequestedBy = coalesce(json_extract(Record, '$.requested_by'), ''),
                    Created = CAST(unixepoch(json_extract(Record, '$.created_at'), 'subsec') * 1000 AS INTEGER),
                    Completed = CAST(unixepoch(json_extract(Record, '$.completed_at'), 'subsec') * 1000 AS INTEGER)
                WHERE json_valid(Record);
                """);

            migrationBuilder.CreateIndex(
                name: "IX_operations_Batch",
                table: "operations",
                column: "Batch");

            migrationBuilder.CreateIndex(
                name: "IX_operations_Completed",
                table: "operations",
                column: "Completed");

            migrationBuilder.CreateIndex(
                name: "IX_operations_Kind_Created",
                table: "operations",
                columns: new[] { "Kind", "Created" });

            migrationBuilder.CreateIndex(
                name: "IX_operations_Target_Created",
                table: "operations",
                columns: new[] { "Target", "Created" });
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            // What was there before had ended and was of a container.
            migrationBuilder.Sql(
                """
                DELETE FROM operations WHERE Kind <> 'Patch' OR Completed IS NULL OR json_extract(Record, '$.vmid') IS NULL;
                DELETE FROM operation_outputs WHERE Id NOT IN (SELECT Id FROM operations);
                UPDATE operations SET Created = json_extract(Record, '$.vmid'), Target = json_extract(Record, '$.completed_at');
                """);

            migrationBuilder.DropIndex(
                name: "IX_operations_Batch",
                table: "operations");

            migrationBuilder.DropIndex(
                name: "IX_operations_Completed",
                table: "operations");

            migrationBuilder.DropIndex(
                name: "IX_operations_Kind_Created",
                table: "operations");

            migrationBuilder.DropIndex(
                name: "IX_operations_Target_Created",
                table: "operations");

            migrationBuilder.DropColumn(
                name: "Batch",
                table: "operations");

            migrationBuilder.DropColumn(
                name: "Completed",
                table: "operations");

            migrationBuilder.DropColumn(
                name: "Kind",
                table: "operations");

            migrationBuilder.DropColumn(
                name: "Mode",
                table: "operations");

            migrationBuilder.DropColumn(
                name: "Name",
                table: "operations");

            migrationBuilder.DropColumn(
                name: "Node",
                table: "operations");

            migrationBuilder.DropColumn(
                name: "RequestedBy",
                table: "operations");

            migrationBuilder.RenameColumn(
                name: "Target",
                table: "operations",
                newName: "CompletedAt");

            migrationBuilder.RenameColumn(
                name: "Created",
                table: "operations",
                newName: "Vmid");

            migrationBuilder.CreateIndex(
                name: "IX_operations_Cluster_Vmid",
                table: "operations",
                columns: new[] { "Cluster", "Vmid" });
        }
    }
}
