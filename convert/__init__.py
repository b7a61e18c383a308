"""Conversion: quantise, calibrate, compare, write the bundle."""
