"""Fuzzing of every reader. `README.md` says how to run it."""
