"""Measurements of speed and size: medians, and ratios taken in one run (`make bench`)."""
