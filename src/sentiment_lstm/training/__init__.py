"""How the weights are learnt: objective, loop, checkpoints."""
