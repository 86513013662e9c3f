"""The vocabulary that all stages share: grammar, expressions, records, storage. No stage logic."""
