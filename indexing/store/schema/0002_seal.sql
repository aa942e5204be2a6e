-- The key that seals evidence: made once with the index, shared by every process that uses it.
-- gen_random_uuid draws from the server's strong source; two of them hold 244 random bits.
CREATE TABLE videoseal.seal (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    key bytea NOT NULL
);
INSERT INTO videoseal.seal (key)
SELECT sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));
