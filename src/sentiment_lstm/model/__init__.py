"""The network: the equations of the LSTM, the fast classifier, and the language model."""
