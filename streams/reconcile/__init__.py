"""The three-way tie-out: Nue's orders, the commands that were decided, and what NetSuite holds."""
