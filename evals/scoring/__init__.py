"""From records to numbers with their intervals."""
