"""Intervals, tests, corrections and resampling that every family of metrics uses."""
