-- Days that the district works though its weekday is free, or does not though it is not: public holidays, the pack's own
-- holidays and make-up days. Written with the pack, so that SQL knows what ioc.district.worktime knows.
CREATE TABLE ioc.exceptional_day (
    day    date PRIMARY KEY,
    worked boolean NOT NULL
);
