"""What runs inside the processes of OpenRLHF: imports torch, ray and openrlhf at once."""
