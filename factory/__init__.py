"""How the shipped models are made. README.md in this folder describes it."""
