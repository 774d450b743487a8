-- Whether a reader sees the whole district: what is of no unit, such as the platform's own alerts, is his to see too.
CREATE OR REPLACE FUNCTION ioc.reader_sees_all(p_reader text) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_root text;
    v_district_only boolean;
    v_district text := (SELECT d.root_unit FROM ioc.district d);
BEGIN
    SELECT r.root_unit, r.district_only INTO v_root, v_district_only FROM ioc.reader r WHERE r.name = p_reader AND r.active;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    RETURN v_district_only OR v_root IS NULL
        OR (v_district IS NOT NULL AND EXISTS (SELECT FROM ioc.unit_tree(v_root) t WHERE t.code = v_district));
END $$;
