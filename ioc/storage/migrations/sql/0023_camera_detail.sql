-- Whether a camera looks elsewhere, its stalls, and what it tells of itself: model, firmware, uptime, disks.
ALTER TABLE ioc.camera_sample
    ADD COLUMN moved boolean,
    ADD COLUMN stalls_per_minute real,
    ADD COLUMN observed_s real,
    ADD COLUMN detail jsonb;
