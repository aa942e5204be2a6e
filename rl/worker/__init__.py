"""What runs inside the processes of OpenRLHF: imports torch, ray and openrlhf at once."""

import os

# Read by the thread pools when torch is loaded. Idle threads that spin would take the cores on
# which the other processes of a training run compute.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("KMP_BLOCKTIME", "0")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
