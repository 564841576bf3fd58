"""Changes to a trained model's words and weights."""
