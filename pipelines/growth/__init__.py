"""A dataset that grows without end: each run goes on where the last one ended, and trains when enough has come."""
