-- Dossiers that were erased, and what a restored database owes to those who were called since.

-- Codes by keyed digest alone; the key is a file of the installation's, and no column of any table.
CREATE TABLE ioc.erasure (
    digest     bytea PRIMARY KEY CHECK (length(digest) = 16),
    erased_at  timestamptz NOT NULL,
    reason     text NOT NULL CHECK (length(reason) BETWEEN 1 AND 200),
    erased_by  text NOT NULL,
    -- facts that came for it later and were passed by
    refused    bigint NOT NULL DEFAULT 0,
    refused_at timestamptz
);
-- Tells whether a machine has the key that the digests were made with.
CREATE TABLE ioc.erasure_key (
    only_one    boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    fingerprint bytea NOT NULL CHECK (length(fingerprint) = 16)
);

-- Counts on with each erasure, under the same row lock that every batch takes first: a batch either is committed before an
-- erasure, and what it wrote is erased, or knows of it.
ALTER TABLE ioc.partition_offset ADD COLUMN erasures bigint NOT NULL DEFAULT 0;

-- What is left of an erased dossier: its dates and marks under a code that nothing leads to, so that figures stay.
ALTER TABLE ioc.dossier ADD COLUMN erased boolean NOT NULL DEFAULT false;

-- The trail of alerts is only written to; old ones go whole, and the name of an erased dossier goes out of them.
CREATE OR REPLACE FUNCTION ioc.alert_event_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND current_setting('ioc.letting_go', true) = 'alerts' THEN
        RETURN OLD;
    END IF;
    IF TG_OP = 'UPDATE' AND current_setting('ioc.letting_go', true) = 'erasure'
       AND to_jsonb(NEW) - 'detail' = to_jsonb(OLD) - 'detail'
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'ioc.alert_event is an audit trail: it is only written to' USING ERRCODE = 'restrict_violation';
END $$;
CREATE OR REPLACE FUNCTION ioc.maintenance_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.withdrawn_at IS NULL
       AND to_jsonb(NEW) - '{withdrawn_at,withdrawn_by}'::text[] = to_jsonb(OLD) - '{withdrawn_at,withdrawn_by}'::text[]
    THEN
        RETURN NEW;
    END IF;
    IF TG_OP = 'UPDATE' AND current_setting('ioc.letting_go', true) = 'erasure'
       AND to_jsonb(NEW) - 'subjects' = to_jsonb(OLD) - 'subjects'
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'ioc.maintenance is an audit trail: rows are withdrawn, not changed' USING ERRCODE = 'restrict_violation';
END $$;

-- Times at which a backup was restored. Nobody is called for an alert before quiet_until: what the backup did not know is
-- read again meanwhile, and what is over by then is no news.
CREATE TABLE ioc.restored (
    restored_at timestamptz PRIMARY KEY,
    backup      text NOT NULL,
    -- as of when the data are
    moment      timestamptz NOT NULL,
    quiet_until timestamptz NOT NULL
);
