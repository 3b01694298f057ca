"""Encryption of heartbeats and calls, and proofs of identity."""
