"""The network: the equations of the LSTM, and the fast classifier and language model."""
