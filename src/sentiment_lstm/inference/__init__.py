"""Scoring texts with a saved model."""
