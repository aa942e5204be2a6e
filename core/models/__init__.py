"""Model roles: what each is asked, what it must reply, and the clients that do the asking."""
