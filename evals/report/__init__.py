"""The report of one or several runs: a self-contained page and a Markdown table."""
