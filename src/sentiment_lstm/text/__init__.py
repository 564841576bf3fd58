"""From raw text to token ids and back to characters."""
