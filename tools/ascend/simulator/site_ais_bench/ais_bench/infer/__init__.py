"""Arguments, inputs, results and summary of the ais_bench stand-in."""
