"""Revenue arrangements that finance has to merge: the documents of each contract, and what NetSuite made of them."""
