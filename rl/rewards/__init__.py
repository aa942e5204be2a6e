"""What an episode is paid, term by term."""
