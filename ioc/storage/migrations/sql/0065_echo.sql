-- Signs synthetic alerts on their way round, so that nobody else can say that one came back. Made when first needed.
CREATE TABLE ioc.echo_key (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    key      bytea NOT NULL CHECK (length(key) >= 32)
);
