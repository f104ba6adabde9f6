"""Stand-in for the vendor's ais_bench, TOOLS flavour or AIT flavour (ASCEND_SIMULATOR_AIS_BENCH=ait)."""
