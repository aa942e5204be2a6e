"""Ask questions about long video, and get answers that prove themselves."""
