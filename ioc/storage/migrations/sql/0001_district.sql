-- Units, points, devices and readers: what the district pack describes.

CREATE TABLE ioc.unit (
    unit_id     int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code        text NOT NULL UNIQUE CHECK (length(code) BETWEEN 1 AND 50),
    name_vi     text NOT NULL,
    name_en     text NOT NULL,
    kind        text NOT NULL DEFAULT 'other',
    parent_code text,
    scheme      text,
    time_zone   text NOT NULL,
    valid_from  date,
    valid_to    date,
    -- false: met in a fact, not described by any pack; listed for the administrator
    declared    boolean NOT NULL DEFAULT true
);
CREATE INDEX unit_parent ON ioc.unit (parent_code);

-- From a unit to what took its place, with the share that moved; many to many.
CREATE TABLE ioc.unit_edge (
    from_code  text NOT NULL,
    to_code    text NOT NULL,
    share      double precision NOT NULL DEFAULT 1 CHECK (share > 0 AND share <= 1),
    valid_from date NOT NULL,
    PRIMARY KEY (from_code, to_code, valid_from)
);

-- A reception point persists; the unit that it belongs to is dated.
CREATE TABLE ioc.point (
    code       text NOT NULL,
    unit_code  text NOT NULL,
    name_vi    text NOT NULL,
    name_en    text NOT NULL,
    valid_from date NOT NULL DEFAULT '0001-01-01',
    valid_to   date,
    latitude   double precision,
    longitude  double precision,
    PRIMARY KEY (code, valid_from)
);

CREATE TABLE ioc.device (
    device_id  int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code       text NOT NULL UNIQUE CHECK (length(code) BETWEEN 1 AND 50),
    -- 1 camera, 2 access point, 3 kiosk
    kind       smallint NOT NULL CHECK (kind BETWEEN 1 AND 3),
    -- the unit that the newest fact stamps, or the pack's until there is one
    unit_id    int NOT NULL REFERENCES ioc.unit,
    point_code text,
    name       text,
    address    text,
    interval_s double precision NOT NULL DEFAULT 60,
    valid_from date,
    valid_to   date,
    declared   boolean NOT NULL DEFAULT true
);
CREATE INDEX device_unit ON ioc.device (unit_id, kind);

-- The one district that this installation serves; absent until a pack is applied.
CREATE TABLE ioc.district (
    only_one     boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    code         text NOT NULL,
    root_unit    text NOT NULL REFERENCES ioc.unit (code),
    time_zone    text NOT NULL,
    pack_version text NOT NULL,
    applied_at   timestamptz NOT NULL DEFAULT now()
);

-- Who may read: an identity that every KPI function asks for. A null root means every unit.
CREATE TABLE ioc.reader (
    name          text PRIMARY KEY,
    root_unit     text REFERENCES ioc.unit (code),
    password_hash text,
    active        boolean NOT NULL DEFAULT true,
    created_at    timestamptz NOT NULL DEFAULT now()
);
-- The platform's own processes and the command line on this machine.
INSERT INTO ioc.reader (name) VALUES ('system');

-- A source's name, kept once.
CREATE TABLE ioc.source (
    source_id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name      text NOT NULL UNIQUE
);
