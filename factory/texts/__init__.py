"""Texts that the shipped models learn from."""
