"""What a person holds in hand after a question: the evidence folder and its pictures."""
