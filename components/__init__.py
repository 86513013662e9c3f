"""The stages of the intclass pipeline, one folder each."""
