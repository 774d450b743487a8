-- How long procedures may take, as the pack says; and with whom a dossier stands, for the load of departments.

CREATE TABLE ioc.procedure (
    code          text PRIMARY KEY,
    field         text NOT NULL,
    name_vi       text NOT NULL,
    name_en       text NOT NULL,
    working_days  double precision CHECK (working_days > 0),
    calendar_days int CHECK (calendar_days > 0),
    CHECK ((working_days IS NULL) <> (calendar_days IS NULL))
);

ALTER TABLE ioc.dossier
    -- role and pseudonym (a keyed hash) of whoever has it now; null where no source says
    ADD COLUMN role    text,
    ADD COLUMN handler text;
CREATE INDEX dossier_handler ON ioc.dossier (unit_id, newest_fact) WHERE handler IS NOT NULL;
