-- Orleans' ADO.NET grain storage on SQLite, written to that provider's contract: the three query keys, the parameter names and the
-- result columns PayloadBinary, Version and NewGrainStateVersion are its; the rest is ours. Safe to run at every start.
--
-- A grain is found by its whole key. The provider's hashes are stored nowhere: SQLite's B-tree finds the key itself as fast.

CREATE TABLE IF NOT EXISTS OrleansQuery (
    QueryKey  TEXT NOT NULL PRIMARY KEY,
    QueryText TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS OrleansStorage (
    ServiceId TEXT    NOT NULL,
    GrainType TEXT    NOT NULL,
    IdN0      INTEGER NOT NULL,
    IdN1      INTEGER NOT NULL,
    IdText    TEXT    NOT NULL,
    Version   INTEGER NOT NULL,
    Modified  TEXT    NOT NULL,
    Payload   BLOB,
    PRIMARY KEY (ServiceId, GrainType, IdN0, IdN1, IdText)
);

-- The first write of a grain carries no version and must find no row; every later one carries the version it read. Whichever does not
-- hold returns no row, and the provider reports a version conflict. A deleted grain's row leaves no version behind, so the next first
-- write begins to count at a random one: beginning at 1 again, an activation that slept through both would find its version and overwrite.
INSERT OR REPLACE INTO OrleansQuery VALUES ('WriteToStorageKey', '
    INSERT INTO OrleansStorage (ServiceId, GrainType, IdN0, IdN1, IdText, Version, Modified, Payload)
    SELECT @ServiceId, @GrainTypeString, @GrainIdN0, @GrainIdN1, coalesce(@GrainIdExtensionString, ''''),
        1 + (random() & 0x3fffffff), datetime(''now''), @PayloadBinary
    WHERE @GrainStateVersion IS NULL
    ON CONFLICT DO NOTHING
    RETURNING Version AS NewGrainStateVersion;

    UPDATE OrleansStorage
    SET Payload = @PayloadBinary, Version = Version + 1, Modified = datetime(''now'')
    WHERE @GrainStateVersion IS NOT NULL AND Version = @GrainStateVersion
      AND ServiceId = @ServiceId AND GrainType = @GrainTypeString
      AND IdN0 = @GrainIdN0 AND IdN1 = @GrainIdN1 AND IdText = coalesce(@GrainIdExtensionString, '''')
    RETURNING Version AS NewGrainStateVersion;');

INSERT OR REPLACE INTO OrleansQuery VALUES ('ReadFromStorageKey', '
    SELECT Payload AS PayloadBinary, Version AS Version
    FROM OrleansStorage
    WHERE ServiceId = @ServiceId AND GrainType = @GrainTypeString
      AND IdN0 = @GrainIdN0 AND IdN1 = @GrainIdN1 AND IdText = coalesce(@GrainIdExtensionString, '''');');

-- A cleared grain keeps its row and goes on counting versions, so that a write by an activation that has not heard of it is a conflict.
INSERT OR REPLACE INTO OrleansQuery VALUES ('ClearStorageKey', '
    UPDATE OrleansStorage
    SET Payload = NULL, Version = Version + 1, Modified = datetime(''now'')
    WHERE Version = @GrainStateVersion
      AND ServiceId = @ServiceId AND GrainType = @GrainTypeString
      AND IdN0 = @GrainIdN0 AND IdN1 = @GrainIdN1 AND IdText = coalesce(@GrainIdExtensionString, '''')
    RETURNING Version AS NewGrainStateVersion;');

INSERT OR REPLACE INTO OrleansQuery VALUES ('DeleteStorageKey', '
    DELETE FROM OrleansStorage
    WHERE Version = @GrainStateVersion
      AND ServiceId = @ServiceId AND GrainType = @GrainTypeString
      AND IdN0 = @GrainIdN0 AND IdN1 = @GrainIdN1 AND IdText = coalesce(@GrainIdExtensionString, '''')
    RETURNING Version + 1 AS NewGrainStateVersion;');
