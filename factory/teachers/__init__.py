"""Models that label texts for the shipped models."""
