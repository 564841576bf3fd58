"""Measurements of a model before it ships."""
