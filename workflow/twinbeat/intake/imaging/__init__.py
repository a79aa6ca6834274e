"""Finds the heart's images among the de-identified ones, and puts them in order in space and time."""
