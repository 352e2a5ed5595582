-- Orleans' ADO.NET providers for membership, grain storage and reminders on PostgreSQL, written to their contract: the query keys, the
-- parameters' and the result columns' names and types are theirs; the rest is ours. Plain statements: each is one round trip and one
-- transaction by itself, and the driver prepares them, so that there is nothing a stored procedure would save.

CREATE TABLE OrleansQuery (
    QueryKey  text PRIMARY KEY,
    QueryText text NOT NULL
);

-- Grain storage. A grain is found by its whole key; the provider's hashes are stored nowhere. No index has a column that a write changes,
-- and pages have room left: a new version of a row lies beside the old one and no index is touched.
CREATE TABLE OrleansStorage (
    ServiceId text    COLLATE "C" NOT NULL,
    GrainType text    COLLATE "C" NOT NULL,
    IdN0      bigint  NOT NULL,
    IdN1      bigint  NOT NULL,
    IdText    text    COLLATE "C" NOT NULL,
    Version   integer NOT NULL,
    Modified  timestamptz NOT NULL,
    Payload   bytea,
    PRIMARY KEY (IdText, GrainType, IdN0, IdN1, ServiceId)
) WITH (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.05);

-- States are JSON and compressed as a rule: lz4 takes a fraction of the time that PostgreSQL's own method takes. Not every server was built with it.
DO $$ BEGIN
    ALTER TABLE OrleansStorage ALTER COLUMN Payload SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported THEN
    NULL;
END $$;

-- The first write of a grain carries no version and must find no row; every later one carries the version it read. Whichever does not hold
-- returns no row, and the provider reports a version conflict. A second write over the same version waits for the first one's row, finds
-- another version there, and returns none. A deleted grain's row leaves no version behind, so the next first write begins to count at a
-- random one: beginning at 1 again, an activation that slept through both would find its version and overwrite.
INSERT INTO OrleansQuery VALUES ('WriteToStorageKey', '
    WITH later AS (
        UPDATE OrleansStorage
        SET Payload = @PayloadBinary, Version = Version + 1, Modified = now()
        WHERE @GrainStateVersion IS NOT NULL AND Version = @GrainStateVersion
          AND IdText = coalesce(@GrainIdExtensionString, '''') AND GrainType = @GrainTypeString
          AND IdN0 = @GrainIdN0 AND IdN1 = @GrainIdN1 AND ServiceId = @ServiceId
        RETURNING Version
    ), first AS (
        INSERT INTO OrleansStorage (ServiceId, GrainType, IdN0, IdN1, IdText, Version, Modified, Payload)
        SELECT @ServiceId, @GrainTypeString, @GrainIdN0, @GrainIdN1, coalesce(@GrainIdExtensionString, ''''),
            1 + (random() * 1073741823)::integer, now(), @PayloadBinary
        WHERE @GrainStateVersion IS NULL
        ON CONFLICT DO NOTHING
        RETURNING Version
    )
    SELECT Version AS NewGrainStateVersion FROM later UNION ALL SELECT Version FROM first');

INSERT INTO OrleansQuery VALUES ('ReadFromStorageKey', '
    SELECT Payload AS PayloadBinary, Version AS Version
    FROM OrleansStorage
    WHERE IdText = coalesce(@GrainIdExtensionString, '''') AND GrainType = @GrainTypeString
      AND IdN0 = @GrainIdN0 AND IdN1 = @GrainIdN1 AND ServiceId = @ServiceId');

-- A cleared grain keeps its row and goes on counting versions, so that a write by an activation that has not heard of it is a conflict.
INSERT INTO OrleansQuery VALUES ('ClearStorageKey', '
    UPDATE OrleansStorage
    SET Payload = NULL, Version = Version + 1, Modified = now()
    WHERE Version = @GrainStateVersion
      AND IdText = coalesce(@GrainIdExtensionString, '''') AND GrainType = @GrainTypeString
      AND IdN0 = @GrainIdN0 AND IdN1 = @GrainIdN1 AND ServiceId = @ServiceId
    RETURNING Version AS NewGrainStateVersion');

INSERT INTO OrleansQuery VALUES ('DeleteStorageKey', '
    DELETE FROM OrleansStorage
    WHERE Version = @GrainStateVersion
      AND IdText = coalesce(@GrainIdExtensionString, '''') AND GrainType = @GrainTypeString
      AND IdN0 = @GrainIdN0 AND IdN1 = @GrainIdN1 AND ServiceId = @ServiceId
    RETURNING Version + 1 AS NewGrainStateVersion');

-- Membership: one row for the version of the whole table, and one for each silo that ever was. A change of a silo's row carries the version
-- that was read, and is made together with the version's or not at all. Who comes second waits for the version's row, finds another
-- version there, and changes nothing.
CREATE TABLE OrleansMembershipVersion (
    DeploymentId text COLLATE "C" PRIMARY KEY,
    Version      integer NOT NULL
);

CREATE TABLE OrleansMembership (
    DeploymentId text COLLATE "C" NOT NULL REFERENCES OrleansMembershipVersion,
    Address      text COLLATE "C" NOT NULL,
    Port         integer NOT NULL,
    Generation   integer NOT NULL,
    SiloName     text NOT NULL,
    HostName     text NOT NULL,
    Status       integer NOT NULL,
    ProxyPort    integer NOT NULL,
    SuspectTimes text,
    StartTime    timestamptz NOT NULL,
    IAmAliveTime timestamptz NOT NULL,
    PRIMARY KEY (DeploymentId, Address, Port, Generation)
);

INSERT INTO OrleansQuery VALUES ('UpdateIAmAlivetimeKey', '
    UPDATE OrleansMembership SET IAmAliveTime = @IAmAliveTime
    WHERE DeploymentId = @DeploymentId AND Address = @Address AND Port = @Port AND Generation = @Generation');

INSERT INTO OrleansQuery VALUES ('InsertMembershipVersionKey', '
    WITH made AS (
        INSERT INTO OrleansMembershipVersion VALUES (@DeploymentId, 0) ON CONFLICT DO NOTHING RETURNING 1
    )
    SELECT count(*)::integer FROM made');

-- A silo that is there already makes the statement fail as a whole, the version with it: the provider takes that for what it is.
INSERT INTO OrleansQuery VALUES ('InsertMembershipKey', '
    WITH counted AS (
        UPDATE OrleansMembershipVersion SET Version = Version + 1
        WHERE DeploymentId = @DeploymentId AND Version = @Version
          AND NOT EXISTS (SELECT FROM OrleansMembership WHERE DeploymentId = @DeploymentId AND Address = @Address AND Port = @Port AND Generation = @Generation)
        RETURNING 1
    ), made AS (
        INSERT INTO OrleansMembership (DeploymentId, Address, Port, Generation, SiloName, HostName, Status, ProxyPort, StartTime, IAmAliveTime)
        SELECT @DeploymentId, @Address, @Port, @Generation, @SiloName, @HostName, @Status, @ProxyPort, @StartTime, @IAmAliveTime FROM counted
        RETURNING 1
    )
    SELECT count(*)::integer FROM made');

INSERT INTO OrleansQuery VALUES ('UpdateMembershipKey', '
    WITH counted AS (
        UPDATE OrleansMembershipVersion SET Version = Version + 1
        WHERE DeploymentId = @DeploymentId AND Version = @Version
          AND EXISTS (SELECT FROM OrleansMembership WHERE DeploymentId = @DeploymentId AND Address = @Address AND Port = @Port AND Generation = @Generation)
        RETURNING 1
    ), changed AS (
        UPDATE OrleansMembership SET Status = @Status, SuspectTimes = @SuspectTimes, IAmAliveTime = @IAmAliveTime
        FROM counted
        WHERE DeploymentId = @DeploymentId AND Address = @Address AND Port = @Port AND Generation = @Generation
        RETURNING 1
    )
    SELECT count(*)::integer FROM changed');

INSERT INTO OrleansQuery VALUES ('MembershipReadRowKey', '
    SELECT v.DeploymentId, m.Address, m.Port, m.Generation, m.SiloName, m.HostName, m.Status, m.ProxyPort, m.SuspectTimes, m.StartTime, m.IAmAliveTime, v.Version
    FROM OrleansMembershipVersion v
    LEFT JOIN OrleansMembership m ON m.DeploymentId = v.DeploymentId AND m.Address = @Address AND m.Port = @Port AND m.Generation = @Generation
    WHERE v.DeploymentId = @DeploymentId');

INSERT INTO OrleansQuery VALUES ('MembershipReadAllKey', '
    SELECT v.DeploymentId, m.Address, m.Port, m.Generation, m.SiloName, m.HostName, m.Status, m.ProxyPort, m.SuspectTimes, m.StartTime, m.IAmAliveTime, v.Version
    FROM OrleansMembershipVersion v
    LEFT JOIN OrleansMembership m ON m.DeploymentId = v.DeploymentId
    WHERE v.DeploymentId = @DeploymentId');

INSERT INTO OrleansQuery VALUES ('DeleteMembershipTableEntriesKey', '
    WITH silos AS (DELETE FROM OrleansMembership WHERE DeploymentId = @DeploymentId)
    DELETE FROM OrleansMembershipVersion WHERE DeploymentId = @DeploymentId');

INSERT INTO OrleansQuery VALUES ('GatewaysQueryKey', '
    SELECT Address, ProxyPort, Generation
    FROM OrleansMembership
    WHERE DeploymentId = @DeploymentId AND Status = @Status AND ProxyPort > 0');

-- Of the dead alone (6): one that starts or stops very slowly is not dead.
INSERT INTO OrleansQuery VALUES ('CleanupDefunctSiloEntriesKey', '
    DELETE FROM OrleansMembership
    WHERE DeploymentId = @DeploymentId AND IAmAliveTime < @IAmAliveTime AND Status = 6');

-- Reminders: each silo reads those of its part of the ring, by hash.
CREATE TABLE OrleansReminders (
    ServiceId    text COLLATE "C" NOT NULL,
    GrainId      text COLLATE "C" NOT NULL,
    ReminderName text COLLATE "C" NOT NULL,
    StartTime    timestamptz NOT NULL,
    Period       bigint NOT NULL,
    GrainHash    integer NOT NULL,
    Version      integer NOT NULL,
    PRIMARY KEY (ServiceId, GrainId, ReminderName)
);

CREATE INDEX OrleansReminders_Hash ON OrleansReminders (ServiceId, GrainHash);

INSERT INTO OrleansQuery VALUES ('UpsertReminderRowKey', '
    INSERT INTO OrleansReminders AS r VALUES (@ServiceId, @GrainId, @ReminderName, @StartTime, @Period, @GrainHash, 0)
    ON CONFLICT (ServiceId, GrainId, ReminderName) DO UPDATE
    SET StartTime = excluded.StartTime, Period = excluded.Period, GrainHash = excluded.GrainHash, Version = r.Version + 1
    RETURNING Version');

INSERT INTO OrleansQuery VALUES ('ReadReminderRowsKey', '
    SELECT GrainId, ReminderName, StartTime, Period, Version FROM OrleansReminders
    WHERE ServiceId = @ServiceId AND GrainId = @GrainId');

INSERT INTO OrleansQuery VALUES ('ReadReminderRowKey', '
    SELECT GrainId, ReminderName, StartTime, Period, Version FROM OrleansReminders
    WHERE ServiceId = @ServiceId AND GrainId = @GrainId AND ReminderName = @ReminderName');

INSERT INTO OrleansQuery VALUES ('ReadRangeRows1Key', '
    SELECT GrainId, ReminderName, StartTime, Period, Version FROM OrleansReminders
    WHERE ServiceId = @ServiceId AND GrainHash > @BeginHash AND GrainHash <= @EndHash');

-- A range over the end of the ring.
INSERT INTO OrleansQuery VALUES ('ReadRangeRows2Key', '
    SELECT GrainId, ReminderName, StartTime, Period, Version FROM OrleansReminders
    WHERE ServiceId = @ServiceId AND (GrainHash > @BeginHash OR GrainHash <= @EndHash)');

INSERT INTO OrleansQuery VALUES ('DeleteReminderRowKey', '
    WITH gone AS (
        DELETE FROM OrleansReminders
        WHERE ServiceId = @ServiceId AND GrainId = @GrainId AND ReminderName = @ReminderName AND Version = @Version
        RETURNING 1
    )
    SELECT count(*)::integer FROM gone');

INSERT INTO OrleansQuery VALUES ('DeleteReminderRowsKey', '
    DELETE FROM OrleansReminders WHERE ServiceId = @ServiceId');

-- The keys of this installation by their fingerprints: a process that brings others is refused.
CREATE TABLE installation_keys (
    name        text PRIMARY KEY,
    fingerprint text NOT NULL
);
