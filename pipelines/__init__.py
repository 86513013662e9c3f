"""The pipeline, its compiled form and the command line."""
