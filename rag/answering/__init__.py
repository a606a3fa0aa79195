"""The pieces of passages that a trained reader sees; the reader itself is still in training."""
