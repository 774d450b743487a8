-- Which roll-up answers which part of a range.

-- Beginning of the cell of a roll-up that a moment lies in. Quarters and hours are those of UTC.
CREATE OR REPLACE FUNCTION ioc.rollup_floor(p_level text, p_at timestamptz, p_zone text) RETURNS timestamptz
LANGUAGE sql STABLE AS $$
    SELECT CASE p_level
        WHEN 'month' THEN date_trunc('month', p_at, p_zone)
        WHEN 'day' THEN date_trunc('day', p_at, p_zone)
        WHEN 'hour' THEN date_trunc('hour', p_at, 'UTC')
        WHEN 'quarter' THEN date_bin('15 minutes', p_at, '2000-01-01 00:00+00')
    END
$$;

-- The moment itself where it begins a cell, else the beginning of the next one.
CREATE OR REPLACE FUNCTION ioc.rollup_ceil(p_level text, p_at timestamptz, p_zone text) RETURNS timestamptz
LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_floor timestamptz := ioc.rollup_floor(p_level, p_at, p_zone);
BEGIN
    RETURN CASE
        WHEN v_floor = p_at THEN p_at
        WHEN p_level = 'month' THEN ((v_floor AT TIME ZONE p_zone) + interval '1 month') AT TIME ZONE p_zone
        WHEN p_level = 'day' THEN ((v_floor AT TIME ZONE p_zone) + interval '1 day') AT TIME ZONE p_zone
        WHEN p_level = 'hour' THEN v_floor + interval '1 hour'
        ELSE v_floor + interval '15 minutes'
    END;
END $$;

-- Parts of the range from the first bound to p_end, each to be read from one level: the coarsest whose cells lie within
-- one bucket each and end by p_until; what is left over at both ends goes to the finer ones, at last to 'fact'.
CREATE OR REPLACE FUNCTION ioc.rollup_parts(
    p_bounds timestamptz[], p_end timestamptz, p_levels text[], p_zone text, p_until timestamptz DEFAULT 'infinity')
RETURNS TABLE (level text, low timestamptz, high timestamptz)
LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_lows timestamptz[] := ARRAY[p_bounds[1]];
    v_highs timestamptz[] := ARRAY[p_end];
    v_left_lows timestamptz[];
    v_left_highs timestamptz[];
    v_level text;
    v_low timestamptz;
    v_high timestamptz;
BEGIN
    FOREACH v_level IN ARRAY p_levels LOOP
        v_left_lows := '{}';
        v_left_highs := '{}';
        FOR i IN 1 .. cardinality(v_lows) LOOP
            v_low := ioc.rollup_ceil(v_level, v_lows[i], p_zone);
            v_high := ioc.rollup_floor(v_level, least(v_highs[i], p_until), p_zone);
            IF v_low < v_high AND NOT EXISTS (
                SELECT FROM unnest(p_bounds) AS b (at)
                WHERE b.at > v_low AND b.at < v_high AND ioc.rollup_floor(v_level, b.at, p_zone) <> b.at
            ) THEN
                level := v_level; low := v_low; high := v_high;
                RETURN NEXT;
                IF v_lows[i] < v_low THEN
                    v_left_lows := v_left_lows || v_lows[i];
                    v_left_highs := v_left_highs || v_low;
                END IF;
                IF v_high < v_highs[i] THEN
                    v_left_lows := v_left_lows || v_high;
                    v_left_highs := v_left_highs || v_highs[i];
                END IF;
            ELSE
                v_left_lows := v_left_lows || v_lows[i];
                v_left_highs := v_left_highs || v_highs[i];
            END IF;
        END LOOP;
        v_lows := v_left_lows;
        v_highs := v_left_highs;
    END LOOP;
    FOR i IN 1 .. cardinality(v_lows) LOOP
        IF v_lows[i] < v_highs[i] THEN
            level := 'fact'; low := v_lows[i]; high := v_highs[i];
            RETURN NEXT;
        END IF;
    END LOOP;
END $$;

-- Whether local days and months of these units' roll-ups are those of the zone.
CREATE OR REPLACE FUNCTION ioc.rollup_zone_fits(p_scope int[], p_zone text) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT NOT EXISTS (SELECT FROM ioc.rollup_zone z WHERE z.unit_id = ANY (p_scope) AND z.zone <> p_zone)
$$;

-- Facts that were dropped can't be asked for: said, not answered with nothing. A null p_coarser: nothing coarser is kept either.
CREATE OR REPLACE FUNCTION ioc.rollup_check_kept(p_fact text, p_low timestamptz, p_coarser text) RETURNS void
LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_since timestamptz := (SELECT k.since FROM ioc.kept_from k WHERE k.fact = p_fact);
BEGIN
    IF p_low < v_since THEN
        RAISE EXCEPTION 'The range begins at %, and what it takes to answer so finely is kept since %.', p_low, v_since
            USING ERRCODE = 'IOC03',
                  HINT = 'Begin at that moment or later' || coalesce(
                      format(', or ask by %s with a range that begins and ends with one.', p_coarser), '.');
    END IF;
END $$;

-- Values in bins that are 10 % wide each, so that quantiles of many can be told from counts; within 5 % of the value.
CREATE OR REPLACE FUNCTION ioc.log_bin(p_value float8) RETURNS smallint
LANGUAGE sql IMMUTABLE AS $$ SELECT floor(ln(greatest(p_value, 0.001)) / ln(1.1::float8))::smallint $$;

CREATE OR REPLACE FUNCTION ioc.log_bin_value(p_bin smallint) RETURNS float8
LANGUAGE sql IMMUTABLE AS $$ SELECT (1.1::float8) ^ (p_bin + 0.5::float8) $$;
