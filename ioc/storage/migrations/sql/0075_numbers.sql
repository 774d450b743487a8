-- Numbers to call at units and reception points, and whose they are by role; nobody's name.
ALTER TABLE ioc.unit ADD COLUMN phone text CHECK (length(phone) <= 50), ADD COLUMN contact text CHECK (length(contact) <= 100);
ALTER TABLE ioc.point ADD COLUMN phone text CHECK (length(phone) <= 50), ADD COLUMN contact text CHECK (length(contact) <= 100);
