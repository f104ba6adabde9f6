"""Reading what a port is judged by from YAML."""
