-- What lists are read by, besides the indexes of V1.

-- `q` looks into titles and descriptions; one index answers for either.
CREATE INDEX tasks_words ON tasks USING gin (title gin_trgm_ops, description gin_trgm_ops);
DROP INDEX tasks_title_words;

CREATE INDEX tasks_labels ON tasks USING gin (labels);

-- The trash: few rows among many.
CREATE INDEX tasks_trash ON tasks (created_at DESC, id DESC) WHERE deleted_at IS NOT NULL;

-- A reader compares `write_seq`; an unfiltered list of one's own takes its total from the counter.
GRANT SELECT ON app.user_state TO api_read;
