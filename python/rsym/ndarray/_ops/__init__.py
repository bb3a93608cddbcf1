"""Operator functions, generated from the registry by tools/generate_ops.py."""
