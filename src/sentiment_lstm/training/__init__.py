"""Training: objective, loop, checkpoints, runs and searches."""
