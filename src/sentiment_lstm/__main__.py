"""Lets `python -m sentiment_lstm` run the command line."""

from sentiment_lstm.cli import main

if __name__ == "__main__":
    main()
