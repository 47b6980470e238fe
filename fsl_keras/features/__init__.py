"""Features of a frozen backbone: computed once, kept on disk, drawn as episodes."""

from fsl_keras.features.embedding import embed, embed_with_labels
from fsl_keras.features.sharded import embed_shard, read_shards

__all__ = ["embed", "embed_shard", "embed_with_labels", "read_shards"]
