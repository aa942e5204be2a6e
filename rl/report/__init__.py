"""What training did: curves, comparisons, and every episode."""
