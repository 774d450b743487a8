-- A question about a year of many units would count a million bins for what its days' rows can tell by themselves.

-- The smallest bin that at least half of all do not exceed. Of the tables' own: KPI functions are replaced as a whole.
CREATE FUNCTION ioc.bins_median(p_bins smallint[], p_counts bigint[]) RETURNS smallint
LANGUAGE sql IMMUTABLE AS $$
    SELECT min(r.bin)
    FROM (SELECT h.bin, sum(h.n) OVER (ORDER BY h.bin) AS upto, sum(h.n) OVER () AS total
          FROM unnest(p_bins, p_counts) AS h (bin, n)) AS r
    WHERE 2 * r.upto >= r.total
$$;
CREATE FUNCTION ioc.bins_total(p_counts bigint[]) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$ SELECT coalesce(sum(h.n), 0)::bigint FROM unnest(p_counts) AS h (n) $$;

ALTER TABLE ioc.sample_day
    ADD COLUMN rtt_median smallint GENERATED ALWAYS AS (ioc.bins_median(rtt_bins, rtt_counts)) STORED,
    ADD COLUMN rtt_known bigint GENERATED ALWAYS AS (ioc.bins_total(rtt_counts)) STORED;
REVOKE ALL ON FUNCTION ioc.bins_median(smallint[], bigint[]), ioc.bins_total(bigint[]) FROM PUBLIC;
