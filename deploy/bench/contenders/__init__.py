"""One module per contender; each is run as ``python -m`` with its task and prints its outcome."""
