"""Learners that adapt to a task by gradient steps, and the parts of their loops."""
