"""The stages of indexing: pictures, text, sound, captions, story, vectors."""
