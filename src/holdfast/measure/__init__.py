"""Measuring: how good the decisions are on labelled rows, with intervals and beside baselines."""
