"""Subtitles as files beside a video, as streams inside it, and written out again as .srt."""
