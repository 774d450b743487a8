-- Members of reporting groups beside the units below them, with the days on which they are.
CREATE TABLE ioc.unit_member (
    group_code  text NOT NULL,
    member_code text NOT NULL,
    valid_from  date NOT NULL DEFAULT '0001-01-01',
    valid_to    date CHECK (valid_to > valid_from),
    PRIMARY KEY (group_code, member_code, valid_from)
);
CREATE INDEX unit_member_of ON ioc.unit_member (member_code);
