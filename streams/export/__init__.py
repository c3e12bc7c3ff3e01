"""Tables for analysts: contracts, their subscriptions, changes, documents and recurring revenue, from the topics."""
