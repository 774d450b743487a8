-- What a dossier's facts say beyond its dates: fees, payment, papers, letters, ratings, second codes.

ALTER TABLE ioc.dossier
    ADD COLUMN applicant      text,
    ADD COLUMN service_level  smallint,
    ADD COLUMN submitted_at   timestamptz,
    ADD COLUMN rejected_at    timestamptz,
    ADD COLUMN returned_at    timestamptz,
    ADD COLUMN fee_vnd        bigint,
    -- null: no payment is known
    ADD COLUMN paid_vnd       bigint,
    ADD COLUMN payable_online boolean,
    ADD COLUMN paid_online    boolean,
    ADD COLUMN digitised      boolean,
    ADD COLUMN reused         boolean,
    ADD COLUMN from_store     boolean,
    ADD COLUMN result_digital boolean,
    -- the newest letter of apology, and the date that it promises
    ADD COLUMN apologised_at  timestamptz,
    ADD COLUMN promised_at    timestamptz,
    -- the newest rating
    ADD COLUMN rated_at       timestamptz,
    ADD COLUMN satisfied      boolean,
    ADD COLUMN score          smallint,
    -- the code under which this dossier counts since it turned out to be a second code of it; its own facts stay
    ADD COLUMN merged_into    text;

-- A code that two dossiers claim stands there twice, to be seen and put right.
ALTER TABLE ioc.dossier_alias DROP CONSTRAINT dossier_alias_pkey, ADD PRIMARY KEY (alias, code);

COMMENT ON COLUMN ioc.dossier_fact.kind IS
    '1 recorded, 2 progressed, 3 apologised, 4 rated, 5 paid, 6 supplemented, 7 merged';
