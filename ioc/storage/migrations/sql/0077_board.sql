-- Boards read through the schema ioc_board alone. Its functions are installed with those of the KPI catalogue
-- (ioc/kpi/sql/90_board.sql), since they ask the same; who may use the schema is granted to a role by `ioc dashboards role`.

CREATE SCHEMA ioc_board;
COMMENT ON SCHEMA ioc_board IS 'What boards may read: figures, states and texts without personal data.';

-- As whom the boards ask: figures of the district, like the guest's; deactivate it to close the boards.
INSERT INTO ioc.reader (name, district_only) VALUES ('grafana', true) ON CONFLICT (name) DO NOTHING;
