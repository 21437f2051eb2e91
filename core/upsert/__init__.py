"""Records to rows, and the changes that this made, in one transaction."""
