"""The pure core: from one record of the log and a customer's state to what is said, and the next state.

To be read in this order:

===========================================  =======================================================================
``records``, ``fold``, ``turn``              a record comes in; what it leads to, also for orders that waited
``decide``, ``readable``, ``objections``     the decision on one order, and everything that speaks against it
``lines``, ``changes``, ``contracts``        what an order's lines mean, for each subscription and each contract
``documents``, ``upserts``, ``identity``     the table of documents, their lines and their names
``reversal``, ``openings``, ``waiting``      orders that Nue cancels; contracts of before; what is kept of who waits
``snapshots``, ``effects``, ``schedule``,    lines that state what is so after the change; what each day of a
``terms``                                    subscription is worth; how long a term is
``revenue``                                  contract events, with recurring revenue before and after
``evolve``, ``state``, ``as_of``             what is remembered, and what was known at an instant
``pages``, ``shelf``, ``linear_hashing``,    how that is stored
``forms``, ``in_force``
===========================================  =======================================================================
"""
