"""GRPO of the planner with OpenRLHF, on rollouts of the graph that is served."""
