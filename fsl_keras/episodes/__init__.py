"""Episodes: sampling of N-way K-shot tasks and the batches they travel in."""

from fsl_keras.episodes.contract import make_episode
from fsl_keras.episodes.pipeline import episode_dataset
from fsl_keras.episodes.queries import DirichletQueries, MetaDatasetQueries
from fsl_keras.episodes.sampling import EpisodeSampler
from fsl_keras.episodes.shots import MetaDatasetShots

__all__ = [
    "DirichletQueries",
    "EpisodeSampler",
    "MetaDatasetQueries",
    "MetaDatasetShots",
    "episode_dataset",
    "make_episode",
]
