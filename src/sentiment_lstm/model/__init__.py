"""The LSTM: its equations written out, and the fast classifier built on it."""
