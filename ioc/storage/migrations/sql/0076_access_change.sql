-- The first person administers, also where the account was made after roles came.
UPDATE ioc.reader SET role = 'admin' WHERE name = 'admin';

-- What was changed about accounts, keys and records that were set aside: by whom and when. No secret is in it.
CREATE TABLE ioc.access_change (
    change_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at        timestamptz NOT NULL DEFAULT now(),
    -- a reader, or who gave the command
    actor     text NOT NULL,
    via       text NOT NULL CHECK (via IN ('page', 'form', 'command')),
    what      text NOT NULL,
    subject   text NOT NULL,
    detail    jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX access_change_at ON ioc.access_change (at DESC, change_id DESC);
