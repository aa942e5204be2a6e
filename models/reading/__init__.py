"""Reading what models write: JSON, tool calls, letters and fields, each in every form."""
