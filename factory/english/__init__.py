"""Makes the English start: the network that trainings on English texts start from."""
