"""What a model does with a text: explanations, gates, reach, and their pictures."""
