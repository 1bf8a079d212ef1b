"""Turns a table into a fitted scikit-learn pipeline, its metrics and a report: the run folder."""
