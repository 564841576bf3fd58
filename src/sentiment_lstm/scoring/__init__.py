"""Scores files and folders of texts, and writes files with predictions."""
