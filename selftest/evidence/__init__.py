"""Self-tests of the evidence bundle, and the bundles that the verifier's tests are made of."""
