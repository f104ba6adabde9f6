"""`python3 -m ais_bench`."""

import sys

from ais_bench.infer.command import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
