-- The index of a video: units of work, texts, and their vectors. Deleting a video deletes it all.

CREATE TABLE videoseal.videos (
    id          text PRIMARY KEY,
    path        text NOT NULL,
    title       text NOT NULL,
    duration    double precision NOT NULL,
    width       integer NOT NULL,
    height      integer NOT NULL,
    fps         double precision NOT NULL,
    has_audio   boolean NOT NULL,
    size_bytes  bigint NOT NULL,
    status      text NOT NULL CHECK (status IN ('indexing', 'ready')),
    fingerprint text NOT NULL,
    created     timestamptz NOT NULL DEFAULT now(),
    updated     timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE videoseal.units (
    video_id    text NOT NULL REFERENCES videoseal.videos ON DELETE CASCADE,
    stage       text NOT NULL,
    ordinal     integer NOT NULL,
    fingerprint text NOT NULL,
    data        jsonb NOT NULL,
    PRIMARY KEY (video_id, stage, ordinal)
);

-- `haystack` is what words are looked for in: the text's terms (indexing/terms.py), the text without
-- spaces, and with a tilde its English stems that are no terms, all between single spaces.
CREATE TABLE videoseal.texts (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    video_id  text NOT NULL REFERENCES videoseal.videos ON DELETE CASCADE,
    kind      text NOT NULL CHECK (kind IN ('clip', 'ocr', 'speech', 'scene', 'story')),
    ordinal   integer NOT NULL,
    stage     text,
    unit      integer,
    span_from double precision NOT NULL CHECK (span_from >= 0),
    span_to   double precision NOT NULL CHECK (span_to > span_from),
    text      text NOT NULL,
    maker     text NOT NULL,
    data      jsonb NOT NULL,
    haystack  text NOT NULL,
    UNIQUE (video_id, kind, ordinal),
    FOREIGN KEY (video_id, stage, unit) REFERENCES videoseal.units ON DELETE CASCADE
);
CREATE INDEX texts_unit ON videoseal.texts (video_id, stage, unit);

-- Narrow, and with what a search filters by, so that an exact scan needs no other table.
CREATE TABLE videoseal.vectors (
    text_id   bigint NOT NULL REFERENCES videoseal.texts ON DELETE CASCADE,
    video_id  text NOT NULL,
    kind      text NOT NULL,
    model     text NOT NULL,
    embedding vector NOT NULL,
    PRIMARY KEY (text_id, model)
);
CREATE INDEX vectors_of_video ON videoseal.vectors (video_id, model);

-- A vector of 384 numbers is just large enough to be moved out of its row, which makes an exact
-- scan ten times slower; vectors beyond the page size still move out, uncompressed.
ALTER TABLE videoseal.vectors ALTER COLUMN embedding SET STORAGE EXTERNAL;
ALTER TABLE videoseal.vectors SET (toast_tuple_target = 8160);

-- A changed text must never be found by the vector of its old wording.
CREATE FUNCTION videoseal.forget_vectors() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM videoseal.vectors WHERE text_id = OLD.id;
    RETURN NULL;
END
$$;
CREATE TRIGGER texts_reworded AFTER UPDATE OF text ON videoseal.texts
    FOR EACH ROW WHEN (OLD.text IS DISTINCT FROM NEW.text)
    EXECUTE FUNCTION videoseal.forget_vectors();
