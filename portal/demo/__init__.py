"""A made-up BPO with two clients, brought in through the product's own doors."""
