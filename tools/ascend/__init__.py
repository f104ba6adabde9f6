"""Huawei's tools as child processes: argv builders, runners and parsers of atc, benchmark, ais_bench and npu-smi."""
