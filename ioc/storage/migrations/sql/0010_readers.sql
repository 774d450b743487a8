-- Readers that see the district, whatever district is applied; the anonymous reader; and the indicators' definitions over time.

ALTER TABLE ioc.reader ADD COLUMN district_only boolean NOT NULL DEFAULT false;
ALTER TABLE ioc.reader ADD CONSTRAINT reader_one_limit CHECK (NOT district_only OR root_unit IS NULL);

-- Who reads without a name: figures of the district. Deactivate it to close the platform to anonymous readers.
INSERT INTO ioc.reader (name, district_only) VALUES ('guest', true);

-- Each definition of an indicator that has ever been in force here.
CREATE TABLE ioc.kpi_release (
    kpi          text NOT NULL,
    version      int NOT NULL,
    definition   jsonb NOT NULL,
    installed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (kpi, version)
);
