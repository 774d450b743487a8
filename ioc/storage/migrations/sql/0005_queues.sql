-- Queue tickets: facts, and one row a ticket. Identity is machine, local date and number.

CREATE TABLE ioc.ticket (
    ticket_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kiosk        text NOT NULL,
    date         date NOT NULL,
    number       text NOT NULL,
    unit_id      int NOT NULL REFERENCES ioc.unit,
    service      text,
    counter      text,
    issued_at    timestamptz,
    called_at    timestamptz,
    started_at   timestamptz,
    completed_at timestamptz,
    no_show_at   timestamptz,
    cancelled_at timestamptz,
    recalls      int NOT NULL DEFAULT 0,
    UNIQUE (kiosk, date, number)
);
CREATE INDEX ticket_unit ON ioc.ticket (unit_id, issued_at);

CREATE TABLE ioc.ticket_fact (
    ticket_id   bigint NOT NULL REFERENCES ioc.ticket,
    source_id   int NOT NULL REFERENCES ioc.source,
    id          text NOT NULL,
    time        timestamptz NOT NULL,
    sequence    text NOT NULL DEFAULT '',
    -- 1 issued, 2 called, 3 recalled, 4 started, 5 completed, 6 no-show, 7 transferred, 8 cancelled
    kind        smallint NOT NULL,
    recorded_at timestamptz NOT NULL,
    body        jsonb NOT NULL,
    PRIMARY KEY (ticket_id, source_id, id)
);
