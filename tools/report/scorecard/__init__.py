"""One page over many bundles: which ports run on which chips, and what is proven of them."""
