-- Who may see which units. One error for "does not exist", "not yours" and "you are nobody here": they can't be told apart.

CREATE OR REPLACE FUNCTION ioc.raise_unknown_unit(p_unit text) RETURNS void
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RAISE EXCEPTION 'There is no unit %.', coalesce(quote_literal(p_unit), 'for this reader')
        USING ERRCODE = 'IOC01', HINT = 'GET /api/v1/units lists the units that a reader may ask about; units.csv of the district pack holds them all.';
END $$;

-- A unit and all below it, members of groups of any day too. UNION ends even where a pack made a ring.
CREATE OR REPLACE FUNCTION ioc.unit_tree(p_root text) RETURNS TABLE (unit_id int, code text)
LANGUAGE sql STABLE AS $$
    WITH RECURSIVE tree AS (
        SELECT u.unit_id, u.code FROM ioc.unit u WHERE u.code = p_root
        UNION
        SELECT below.unit_id, below.code FROM tree CROSS JOIN LATERAL (
            SELECT u.unit_id, u.code FROM ioc.unit u WHERE u.parent_code = tree.code
            UNION ALL
            SELECT u.unit_id, u.code FROM ioc.unit_member m JOIN ioc.unit u ON u.code = m.member_code
            WHERE m.group_code = tree.code
        ) AS below
    )
    SELECT tree.unit_id, tree.code FROM tree
$$;

-- The same with the days on which each belongs to it, the last one not included; a unit may have several stretches.
CREATE OR REPLACE FUNCTION ioc.unit_tree_dated(p_root text) RETURNS TABLE (unit_id int, low date, high date)
LANGUAGE sql STABLE AS $$
    WITH RECURSIVE tree AS (
        SELECT u.unit_id, u.code, '-infinity'::date AS low, 'infinity'::date AS high FROM ioc.unit u WHERE u.code = p_root
        UNION
        SELECT below.unit_id, below.code, greatest(tree.low, below.low), least(tree.high, below.high)
        FROM tree CROSS JOIN LATERAL (
            SELECT u.unit_id, u.code, '-infinity'::date AS low, 'infinity'::date AS high
            FROM ioc.unit u WHERE u.parent_code = tree.code
            UNION ALL
            SELECT u.unit_id, u.code, m.valid_from, coalesce(m.valid_to, 'infinity')
            FROM ioc.unit_member m JOIN ioc.unit u ON u.code = m.member_code WHERE m.group_code = tree.code
        ) AS below
        WHERE greatest(tree.low, below.low) < least(tree.high, below.high)
    )
    SELECT tree.unit_id, tree.low, tree.high FROM tree
$$;

-- Whether who belongs to a unit depends on the day.
CREATE OR REPLACE FUNCTION ioc.unit_is_dated(p_start text) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM ioc.unit_member)
       AND EXISTS (SELECT FROM ioc.unit_tree(p_start) t JOIN ioc.unit_member m ON m.group_code = t.code)
$$;

-- Code of the unit that a reader is limited to; null means every unit.
CREATE OR REPLACE FUNCTION ioc.reader_root(p_reader text) RETURNS text
LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_root text;
    v_district_only boolean;
BEGIN
    SELECT r.root_unit, r.district_only INTO v_root, v_district_only
    FROM ioc.reader r WHERE r.name = p_reader AND r.active;
    IF NOT FOUND THEN
        PERFORM ioc.raise_unknown_unit(NULL);
    END IF;
    IF v_district_only THEN
        SELECT d.root_unit INTO v_root FROM ioc.district d;
        IF NOT FOUND THEN
            PERFORM ioc.raise_unknown_unit(NULL);
        END IF;
    END IF;
    RETURN v_root;
END $$;

-- Where a question starts: the unit named, else the reader's own root, else the district; null means every unit
-- (no district is applied and the reader has no limit).
CREATE OR REPLACE FUNCTION ioc.unit_start(p_reader text, p_unit text) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_root text := ioc.reader_root(p_reader);
    v_start text := coalesce(p_unit, v_root, (SELECT d.root_unit FROM ioc.district d));
BEGIN
    IF v_start IS NULL THEN
        RETURN NULL;
    END IF;
    IF NOT EXISTS (SELECT FROM ioc.unit u WHERE u.code = v_start)
       OR (v_root IS NOT NULL AND v_start <> v_root
           AND NOT EXISTS (SELECT FROM ioc.unit_tree(v_root) t WHERE t.code = v_start)) THEN
        PERFORM ioc.raise_unknown_unit(p_unit);
    END IF;
    RETURN v_start;
END $$;

-- The units that a question covers: where it starts, and all below.
CREATE OR REPLACE FUNCTION ioc.unit_scope(p_reader text, p_unit text) RETURNS TABLE (unit_id int, code text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_start text := ioc.unit_start(p_reader, p_unit);
BEGIN
    IF v_start IS NULL THEN
        RETURN QUERY SELECT u.unit_id, u.code FROM ioc.unit u;
    ELSE
        RETURN QUERY SELECT t.unit_id, t.code FROM ioc.unit_tree(v_start) t;
    END IF;
END $$;

-- Time zone in which a question about a unit is read and answered.
CREATE OR REPLACE FUNCTION ioc.unit_zone(p_reader text, p_unit text) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_start text := ioc.unit_start(p_reader, p_unit);
BEGIN
    RETURN coalesce((SELECT u.time_zone FROM ioc.unit u WHERE u.code = v_start),
                    (SELECT d.time_zone FROM ioc.district d),
                    'Asia/Ho_Chi_Minh');
END $$;

-- Every unit that a reader may ask about, by name too. Nobody who is unknown or inactive sees a row.
CREATE OR REPLACE FUNCTION ioc.reader_units(p_reader text) RETURNS TABLE (unit_id int)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_root text;
BEGIN
    SELECT CASE WHEN r.district_only THEN d.root_unit ELSE r.root_unit END INTO v_root
    FROM ioc.reader r LEFT JOIN ioc.district d ON r.district_only
    WHERE r.name = p_reader AND r.active AND (NOT r.district_only OR d.root_unit IS NOT NULL);
    IF NOT FOUND THEN
        RETURN;
    ELSIF v_root IS NULL THEN
        RETURN QUERY SELECT u.unit_id FROM ioc.unit u;
    ELSE
        RETURN QUERY SELECT t.unit_id FROM ioc.unit_tree(v_root) t;
    END IF;
END $$;

CREATE OR REPLACE VIEW ioc.reader_unit WITH (security_barrier) AS
SELECT r.name AS reader, u.unit_id, u.code, u.name_vi, u.name_en, u.kind, u.parent_code, u.time_zone,
       u.valid_from, u.valid_to, u.declared,
       coalesce((SELECT jsonb_agg(jsonb_build_object('unit', e.from_code, 'share', e.share, 'since', e.valid_from)
                                  ORDER BY e.valid_from, e.from_code)
                 FROM ioc.unit_edge e WHERE e.to_code = u.code), '[]') AS predecessors,
       coalesce((SELECT jsonb_agg(jsonb_build_object('unit', e.to_code, 'share', e.share, 'since', e.valid_from)
                                  ORDER BY e.valid_from, e.to_code)
                 FROM ioc.unit_edge e WHERE e.from_code = u.code), '[]') AS successors,
       coalesce((SELECT jsonb_agg(jsonb_build_object('unit', m.group_code, 'from', nullif(m.valid_from, '0001-01-01'),
                                                     'to', m.valid_to) ORDER BY m.group_code, m.valid_from)
                 FROM ioc.unit_member m WHERE m.member_code = u.code), '[]') AS groups,
       -- a guest is shown figures, and nobody to call
       CASE WHEN r.name <> 'guest' THEN u.phone END AS phone, CASE WHEN r.name <> 'guest' THEN u.contact END AS contact
FROM ioc.reader r
CROSS JOIN LATERAL ioc.reader_units(r.name) seen
JOIN ioc.unit u ON u.unit_id = seen.unit_id;

-- Devices with the state that holds now; a state that has run out is unknown.
CREATE OR REPLACE VIEW ioc.reader_device WITH (security_barrier) AS
SELECT r.name AS reader, d.device_id, d.code, d.kind, u.unit_id, u.code AS unit, d.point_code, d.name, d.interval_s,
       d.declared,
       CASE WHEN s.valid_until > now() THEN s.state ELSE 0::smallint END AS state,
       CASE WHEN s.valid_until > now() THEN s.since ELSE s.valid_until END AS since,
       s.last_time,
       CASE WHEN s.valid_until > now() THEN s.clients END AS clients,
       CASE WHEN s.valid_until > now() THEN s.reason END AS reason
FROM ioc.reader r
CROSS JOIN LATERAL ioc.reader_units(r.name) seen
JOIN ioc.unit u ON u.unit_id = seen.unit_id
JOIN ioc.device d ON d.unit_id = u.unit_id
LEFT JOIN ioc.device_state s ON s.device_id = d.device_id;
