"""The commands. Each calls the rest of the package; heavy imports are inside functions."""
