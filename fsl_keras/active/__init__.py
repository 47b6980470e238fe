"""What to label next."""

from fsl_keras.active.proposals import STRATEGIES, Proposal, propose

__all__ = ["STRATEGIES", "Proposal", "propose"]
