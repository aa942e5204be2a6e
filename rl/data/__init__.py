"""What a policy learns from: tasks, traces, and policies to begin with."""
