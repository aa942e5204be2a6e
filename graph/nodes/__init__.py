"""One node a file; each is named by the verb it does."""
