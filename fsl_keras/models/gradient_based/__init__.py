"""Learners that adapt by gradient steps, and what takes the steps."""
