-- A share that nobody has said is kept as unknown, so that answers can say what they leave out.
ALTER TABLE ioc.unit_edge ALTER COLUMN share DROP NOT NULL;
ALTER TABLE ioc.unit_edge ALTER COLUMN share DROP DEFAULT;
CREATE INDEX unit_edge_to ON ioc.unit_edge (to_code);
