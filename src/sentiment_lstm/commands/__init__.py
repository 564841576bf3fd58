"""The commands: each composes the package; heavy imports stay inside them."""
