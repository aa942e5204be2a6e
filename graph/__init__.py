"""The state machine: a planner that only searches, and an answer node that alone answers."""
