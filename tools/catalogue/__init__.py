"""Many ports: a process each, what is judged already, in which order, and one table over all of them."""
