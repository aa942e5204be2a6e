"""Model roles: what each is asked, what it must reply, and who plays it."""
